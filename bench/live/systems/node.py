"""Node's own http server and ioredis."""

from __future__ import annotations

import json
import shutil
from functools import partial

from bench.installs import node_packages
from bench.live.systems.naive import REQUEST
from bench.live.systems.system import CHANNEL, PEERS, Ground, Published, System
from bench.processes import SYSTEM_CORE, Process, free_port, listens, run


def start_node(ground: Ground) -> System:
    node, modules = node_packages(ground.folder / "node", PEERS / "package.json", "Node")
    # Beside node_modules, where Node looks for what it imports.
    program = shutil.copy(PEERS / "plain.mjs", modules.parent / "plain.mjs")
    port, log = free_port(), ground.folder / "node" / "output.log"
    words = [node, program, str(port), str(ground.bus.port), CHANNEL]
    process = Process(words, core=SYSTEM_CORE, log=log, environment={"NODE_ENV": "production"})
    ground.stack.enter_context(process).wait_until(partial(listens, port), "open port")
    ioredis = json.loads((modules / "ioredis" / "package.json").read_text())["version"]
    return System(
        name="node",
        label="Node, plain",
        version=f"Node {run([node, '--version'], core=SYSTEM_CORE).strip()[1:]}, ioredis {ioredis}",
        process=process,
        port=port,
        publish=Published(ground.bus.client).publish,
        subscribe=lambda: (REQUEST, ""),
        resumes=False,
    )
