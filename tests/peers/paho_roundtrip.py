"""Subscribes and publishes with paho-mqtt over mutual TLS, or over a WebSocket in it, and reports what the broker said.

Usage: paho_roundtrip.py PORT CA CERT KEY PUBLISH_TOPIC READ_TOPIC FORBIDDEN_TOPIC VERSION(4|5) [websockets]
"""
import json
import ssl
import sys
import time

import paho.mqtt.client as mqtt

port, ca, cert, key, publish_topic, read_topic, forbidden, version, transport = [*sys.argv[1:], "tcp"][:9]
seen = {"connected": None, "granted": {}, "published": []}
granted = {}  # by packet id: the answer may come before subscribe() has returned the id

client = mqtt.Client(client_id=f"paho-{version}", protocol=int(version), transport=transport, **({} if version == "5" else {"clean_session": True}))
if transport == "websockets":
    client.ws_set_options(path="/mqtt")
client.tls_set(ca, cert, key, tls_version=ssl.PROTOCOL_TLS_CLIENT)


def on_connect(_client, _data, _flags, reason, *_properties):
    seen["connected"] = int(getattr(reason, "value", reason))


def on_subscribe(_client, _data, mid, codes, *_properties):
    granted[mid] = [int(getattr(code, "value", code)) for code in codes]


def on_publish(_client, _data, mid, *_rest):
    seen["published"].append(mid)


client.on_connect, client.on_subscribe, client.on_publish = on_connect, on_subscribe, on_publish
client.connect("localhost", int(port), keepalive=10)
client.loop_start()
deadline = time.monotonic() + 10


def wait(condition):
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


wait(lambda: seen["connected"] is not None)
subscribed = {client.subscribe(topic, 1)[1]: topic for topic in (read_topic, forbidden)}
wait(lambda: len(granted) == 2)
seen["granted"] = {subscribed[mid]: codes for mid, codes in granted.items()}
client.publish(publish_topic, b"from paho", qos=1)
wait(lambda: len(seen["published"]) == 1)
client.disconnect()
client.loop_stop()
print(json.dumps(seen))
