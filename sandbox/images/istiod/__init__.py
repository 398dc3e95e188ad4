# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-in for istiod as a gateway controller: Gateway API objects in, Envoy configuration and statuses out.

What it computes is what Istio computes (names, filters, policies), with the cluster's own addresses and the
container's own paths; the gateway's agent turns those into this machine's.
"""
