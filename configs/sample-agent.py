#!/usr/bin/env python3
"""A virtual agent to try and to begin from. Python's standard library only.

    python3 configs/sample-agent.py [HOST:PORT] [GREETING.wav]        (127.0.0.1:8765, two tones)

In the edge's configuration:

    [[virtual_agent]]
    name = "reception"
    url = "ws://127.0.0.1:8765/"
    routes.sales = { dial = "shop" }
    no_answer = { dial = "shop" } # when this program is not there

It greets the caller (a WAV file of 16 bits, mono, 8000 Hz, or two rising tones), asks with a beep
for a key, and does what the caller wants:

    1  confirms with a tone and hands the call to the route "sales" (or `parameters.route`)
    2  says back what the caller says, until the next key
    3  presses 7 towards the caller
    0  hangs up
    *  stops what is being said

The messages are those of Twilio Media Streams, and three of ours: dtmf, route, hangup. One
connection is one call. What the edge says:  connected, start, media, dtmf, mark, stop.
What may be said to it:  media (mu-law, 8 kHz, as much at once as you like up to a minute), mark
(comes back when everything before it was heard), clear, dtmf, route, hangup, stop.
"""
import asyncio
import base64
import hashlib
import json
import math
import struct
import sys
import wave


def mu_law(sample):
    """One 16-bit sample as an octet of G.711 mu-law."""
    sign, level = (0x80, -sample) if sample < 0 else (0, sample)
    level = min(level, 32635) + 132
    exponent = level.bit_length() - 8
    return ~(sign | exponent << 4 | level >> (exponent + 3) & 15) & 255


def tone(hertz, seconds, volume=8000):
    step = 2 * math.pi * hertz / 8000
    return bytes(mu_law(int(volume * math.sin(n * step))) for n in range(int(seconds * 8000)))


def recorded(path):
    with wave.open(path) as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, 8000):
            sys.exit(f"{path}: wanted is mono, 16 bits, 8000 Hz")
        return bytes(mu_law(it) for (it,) in struct.iter_unpack("<h", file.readframes(-1)))


GREETING = tone(600, 0.4) + tone(900, 0.4)
QUESTION = tone(1000, 0.2)
THANKS = tone(1200, 0.5)


class WebSocket:
    """As much of RFC 6455 as a server needs: text messages, pings, closing."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def open(self):
        """The handshake (section 4.2)."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = (line.partition(":") for line in head.split("\r\n")[1:])
        fields = {name.strip().lower(): value.strip() for name, _, value in lines}
        key = fields["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self.writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())

    async def receive(self):
        """The next text message; None when it is closed (section 5.2)."""
        message = b""
        while True:
            first, length = await self.reader.readexactly(2)
            length &= 127
            if length == 126:
                length = int.from_bytes(await self.reader.readexactly(2), "big")
            elif length == 127:
                length = int.from_bytes(await self.reader.readexactly(8), "big")
            mask = await self.reader.readexactly(4)
            data = await self.reader.readexactly(length)
            data = bytes(it ^ mask[n & 3] for n, it in enumerate(data))
            kind = first & 15
            if kind == 8:
                self.frame(8, data)
                return None
            if kind == 9:
                self.frame(10, data)
            elif kind in (0, 1):
                message += data
                if first & 128:
                    return message.decode()

    def frame(self, kind, data):
        size = len(data)
        if size < 126:
            head = struct.pack(">BB", 128 | kind, size)
        elif size < 65536:
            head = struct.pack(">BBH", 128 | kind, 126, size)
        else:
            head = struct.pack(">BBQ", 128 | kind, 127, size)
        self.writer.write(head + data)


class Conversation:
    """One call."""

    def __init__(self, socket):
        self.socket, self.stream, self.echo, self.route = socket, None, False, "sales"

    def say(self, event, **what):
        message = {"event": event, "streamSid": self.stream, **what}
        self.socket.frame(1, json.dumps(message).encode())

    def play(self, sound, mark):
        """Says something; `mark` comes back when it was heard."""
        self.say("media", media={"payload": base64.b64encode(sound).decode()})
        self.say("mark", mark={"name": mark})

    def heard(self, message):
        event = message["event"]
        if event == "start":
            self.stream = message["streamSid"]
            start = message["start"]
            self.route = start["customParameters"].get("route", "sales")
            print("call", start["callSid"], "with", start["customParameters"], flush=True)
            self.play(GREETING, "greeted")
        elif event == "mark" and message["mark"]["name"] == "greeted":
            self.play(QUESTION, "asked")
        elif event == "mark" and message["mark"]["name"] == "thanked":
            self.say("route", route={"name": self.route})
        elif event == "dtmf":
            self.pressed(message["dtmf"]["digit"])
        elif event == "media" and self.echo:
            self.say("media", media={"payload": message["media"]["payload"]})

    def pressed(self, key):
        self.echo = key == "2"
        if key == "1":
            self.say("clear")
            self.play(THANKS, "thanked")
        elif key == "3":
            self.say("dtmf", dtmf={"digit": "7"})
        elif key == "0":
            self.say("hangup")
        elif key == "*":
            self.say("clear")


async def serve(reader, writer):
    socket = WebSocket(reader, writer)
    try:
        await socket.open()
        conversation = Conversation(socket)
        while (message := await socket.receive()) is not None:
            conversation.heard(json.loads(message))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, KeyError):
        pass
    print("over", flush=True)
    writer.close()


async def main():
    global GREETING
    host, _, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8765").rpartition(":")
    if len(sys.argv) > 2:
        GREETING = recorded(sys.argv[2])
    server = await asyncio.start_server(serve, host or "127.0.0.1", int(port))
    print("waiting for calls at", sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8765", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
