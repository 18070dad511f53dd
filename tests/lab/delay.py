"""A machine of the lab moved further away: its link carries every frame a while later.

Kernels without netem can do it too: two TAP devices, and a process at each that holds frames back.
"""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.lab.network import IPV4_NETWORK, IPV6_NETWORK, Namespace, run

_END = """
import asyncio, contextlib, fcntl, os, socket, struct, sys

device, line, delay_s = sys.argv[1], socket.socket(fileno=int(sys.argv[2])), float(sys.argv[3])
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000

async def main():
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", device.encode(), IFF_TAP | IFF_NO_PI))
    loop = asyncio.get_running_loop()

    def pass_on(frame):
        try:
            line.send(frame)
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
                frame = line.recv(65536)
            except BlockingIOError:
                return
            except ConnectionResetError:
                frame = b""
            if not frame:
                sys.exit()  # the other end is gone
            with contextlib.suppress(OSError):  # the device is not up yet
                os.write(tap, frame)

    loop.add_reader(tap, hold)
    loop.add_reader(line, deliver)
    await loop.create_future()

asyncio.run(main())
"""

# What fits on the way at once. A line between datagram sockets would hold ten frames alone
# (net.unix.max_dgram_qlen) and lose the rest of every burst.
_LINE_OCTETS = 4 << 20
_SO_SNDBUFFORCE = 32  # socket(7); Python has no name for it


@contextlib.contextmanager
def delayed(machine: Namespace, number: int, hub: str, round_trip_s: float) -> Iterator[None]:
    """Moves a machine `round_trip_s` away from all others until the block is left.

    number: the last part of its addresses; hub: the namespace that holds the bridge.
    """
    with contextlib.ExitStack() as stack:
        line = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        run("ip", "-n", machine.name, "link", "delete", "eth0")
        ends = ((machine.name, "eth0"), (hub, "faraway"))
        for (namespace, device), end in zip(ends, line, strict=True):
            stack.enter_context(end)
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, _LINE_OCTETS)
            script = (sys.executable, "-c", _END, device, str(end.fileno()), str(round_trip_s / 2))
            process = subprocess.Popen(
                ["ip", "netns", "exec", namespace, *script], pass_fds=[end.fileno()]
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
