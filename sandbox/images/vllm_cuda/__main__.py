# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vLLM stand-in with the figures of a T4."""

import sys

from sandbox.images.container import run
from sandbox.images.vllm.service import main

run(main(sys.argv[1:], "cuda"))
