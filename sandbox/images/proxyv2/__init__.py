# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-in for Istio's gateway image: an agent around the real Envoy.

The agent fetches the gateway's configuration from istiod, turns the cluster's addresses and the container's paths
into this machine's, and hands it to Envoy as files.
"""
