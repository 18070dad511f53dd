"""A machine of the lab moved further away: its link carries every frame a while later.

Kernels without netem can do it too: two TAP devices, and a process at each that holds frames back.
"""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.lab.network import IPV4_NETWORK, IPV6_NETWORK, Namespace, run

_END = """
import asyncio, fcntl, os, socket, struct, sys

device, here, there, delay_s = sys.argv[1:4] + [float(sys.argv[4])]
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000

async def main():
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", device.encode(), IFF_TAP | IFF_NO_PI))
    line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    line.bind(here)
    line.setblocking(False)
    loop = asyncio.get_running_loop()

    def pass_on(frame):
        try:
            line.sendto(frame, there)
        except OSError:
            pass  # as a full line loses frames

    def hold():
        for _ in range(64):
            try:
                frame = os.read(tap, 65536)
            except BlockingIOError:
                return
            loop.call_later(delay_s, pass_on, frame)

    def deliver():
        for _ in range(64):
            try:
                os.write(tap, line.recv(65536))
            except BlockingIOError:
                return
            except OSError:
                pass  # the device is not up yet

    loop.add_reader(tap, hold)
    loop.add_reader(line, deliver)
    await loop.create_future()

asyncio.run(main())
"""


@contextlib.contextmanager
def delayed(machine: Namespace, number: int, hub: str, round_trip_s: float) -> Iterator[None]:
    """Moves a machine `round_trip_s` away from all others until the block is left.

    number: the last part of its addresses; hub: the namespace that holds the bridge.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        ends = {name: str(Path(folder, name)) for name in ("near", "far")}
        run("ip", "-n", machine.name, "link", "delete", "eth0")
        for namespace, device, name, other in (
            (machine.name, "eth0", "near", "far"),
            (hub, "faraway", "far", "near"),
        ):
            end = (sys.executable, "-c", _END, device, ends[name], ends[other])
            process = subprocess.Popen(
                ["ip", "netns", "exec", namespace, *end, str(round_trip_s / 2)]
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            _wait_for(namespace, device)
            run("ip", "-n", namespace, "link", "set", "dev", device, "up")
        run("ip", "-n", hub, "link", "set", "dev", "faraway", "master", "bridge")
        for address in (f"{IPV4_NETWORK}.{number}/24", f"{IPV6_NETWORK}:{number:x}/64"):
            nodad = ("nodad",) if ":" in address else ()
            run("ip", "-n", machine.name, "address", "add", address, "dev", "eth0", *nodad)
        yield


def _wait_for(namespace: str, device: str) -> None:
    deadline = time.monotonic() + 10
    while device not in run("ip", "-n", namespace, "-o", "link").stdout:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{device} did not come up in {namespace}")
        time.sleep(0.02)
