#!/usr/bin/env python3
"""A second implementation of the lab's two paper suites, on other people's libraries (cryptography, paho-mqtt).

    lab_peer.py sensor   --suite S --keys DIR [--count N] [--epoch E] [--first COUNTER]
    lab_peer.py actuator --suite S --keys DIR --state FILE

S is paper-faithful or paper-corrected; docs/spec/lab.md gives both to the byte. Without --broker the sensor writes one message a line to
standard output and the actuator reads one a line from standard input; with --broker HOST:PORT [--user U --password P] both speak MQTT.
The actuator answers each message with one line of JSON: {"accepted": bool, "cause": "...", "event": "..."}; it ends with its input, or after --count messages.
"""
import argparse
import base64
import datetime
import json
import os
import sys
import time
import uuid

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOPIC = "home/secure/door"
SENDER = "sensor_001_secure"
OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
MAXIMUM_AGE_MS, MAXIMUM_SKEW_MS = 30_000, 5_000


def b64(data):
    return base64.b64encode(data).decode("ascii")


def load(keys, name, private):
    with open(os.path.join(keys, name), "rb") as file:
        data = file.read()
    return serialization.load_pem_private_key(data, None) if private else serialization.load_pem_public_key(data)


def canonical(value):
    """RFC 8785 for what these messages hold: ASCII texts and integers."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode("utf-8")


def reading(counter, message_id):
    return {
        "sensor_id": SENDER, "event": "door_open", "timestamp": datetime.datetime.utcnow().isoformat() + "Z",
        "temperature": 22.5, "status": "active", "counter": counter, "msg_id": message_id,
    }


def seal(associated, counter, message_id, actuator_public):
    session_key, nonce = os.urandom(32), os.urandom(12)
    plain = json.dumps(reading(counter, message_id)).encode("utf-8")
    return {
        "enc_session_key": b64(actuator_public.encrypt(session_key, OAEP)),
        "nonce": b64(nonce),
        "ciphertext": b64(AESGCM(session_key).encrypt(nonce, plain, associated)),
    }


def faithful_message(keys, counter, _epoch):
    message_id = str(uuid.uuid4())
    sealed = seal(f"{TOPIC}|{SENDER}".encode(), counter, message_id, keys["actuator_public"])
    message = {"sender": SENDER, **sealed, "counter": counter, "timestamp": time.time(), "msg_id": message_id}
    signed = (message["nonce"] + message["ciphertext"] + str(counter) + SENDER).encode("utf-8")
    message["signature"] = b64(keys["sensor_private"].sign(signed, hashes.SHA256()))
    return json.dumps(message).encode("utf-8")


def corrected_message(keys, counter, epoch):
    header = {
        "suite": "paper-corrected", "topic": TOPIC, "sender": SENDER, "epoch": epoch, "counter": counter,
        "timestamp": int(time.time() * 1000), "msg_id": str(uuid.uuid4()),
    }
    message = {**header, **seal(canonical(header), counter, header["msg_id"], keys["actuator_public"])}
    message["signature"] = b64(keys["sensor_private"].sign(canonical(message), hashes.SHA256()))
    return canonical(message)


def signed_by(key, signature, data):
    try:
        key.verify(base64.b64decode(signature), data, hashes.SHA256())
        return True
    except (InvalidSignature, ValueError):
        return False


class FaithfulActuator:
    """Steps in the paper's order; the counter is stored before anything is decrypted."""

    def __init__(self, keys, state):
        self.keys, self.file = keys, state
        self.last = json.load(open(state)) if os.path.exists(state) else {}

    def verify(self, data):
        try:
            message = json.loads(data)
        except ValueError:
            return "json", ""
        try:
            sender, counter = message["sender"], message["counter"]
            signed = (message["nonce"] + message["ciphertext"] + str(counter) + sender).encode("utf-8")
            if not signed_by(self.keys["sensor_public"], message["signature"], signed):
                return "signature", ""
            if counter <= self.last.get(sender, 0):
                return "replay", ""
            self.last[sender] = counter
            with open(self.file, "w") as file:
                json.dump(self.last, file, indent=2)
        except (KeyError, TypeError):
            return "fields", ""
        try:
            key = self.keys["actuator_private"].decrypt(base64.b64decode(message["enc_session_key"]), OAEP)
        except (KeyError, ValueError):
            return "session-key", ""
        try:
            plain = AESGCM(key).decrypt(base64.b64decode(message["nonce"]), base64.b64decode(message["ciphertext"]), f"{TOPIC}|{sender}".encode())
        except (InvalidTag, ValueError):
            return "ciphertext", ""
        return "", json.loads(plain).get("event", "unknown")


class CorrectedActuator:
    """Everything signed, one key a sender, state stored last. The window is kept as a list of (epoch, counter) here."""

    MEMBERS = {"suite", "topic", "sender", "epoch", "counter", "timestamp", "msg_id", "enc_session_key", "nonce", "ciphertext", "signature"}
    HEADER = ("suite", "topic", "sender", "epoch", "counter", "timestamp", "msg_id")

    def __init__(self, keys, state):
        self.keys, self.file = keys, state
        self.seen = [tuple(s) for s in json.load(open(state))] if os.path.exists(state) else []

    def verify(self, data):
        try:
            message = json.loads(data)
        except ValueError:
            return "malformed", ""
        if not isinstance(message, dict) or set(message) != self.MEMBERS or message["suite"] != "paper-corrected" or canonical(message) != data:
            return "malformed", ""
        if message["sender"] != SENDER:
            return "unknown-key", ""
        unsigned = {k: v for k, v in message.items() if k != "signature"}
        if not signed_by(self.keys["sensor_public"], message["signature"], canonical(unsigned)):
            return "bad-signature", ""
        if message["topic"] != TOPIC:
            return "wrong-topic", ""
        age = time.time() * 1000 - message["timestamp"]
        if age < -MAXIMUM_SKEW_MS:
            return "issued-in-future", ""
        if age > MAXIMUM_AGE_MS:
            return "expired", ""
        place = (message["epoch"], message["counter"])
        if self.seen and place[0] < max(self.seen)[0]:
            return "stale-epoch", ""
        if place in self.seen:
            return "replayed", ""
        try:
            key = self.keys["actuator_private"].decrypt(base64.b64decode(message["enc_session_key"]), OAEP)
            associated = canonical({k: message[k] for k in self.HEADER})
            plain = json.loads(AESGCM(key).decrypt(base64.b64decode(message["nonce"]), base64.b64decode(message["ciphertext"]), associated))
        except (InvalidTag, ValueError):
            return "cannot-decrypt", ""
        if plain.get("counter") != message["counter"] or plain.get("msg_id") != message["msg_id"]:
            return "malformed", ""
        self.seen.append(place)
        with open(self.file, "w") as file:
            json.dump(self.seen, file)
        return "", plain.get("event", "unknown")


def connect(arguments, client_id, on_message=None):
    import paho.mqtt.client as mqtt

    host, port = arguments.broker.rsplit(":", 1)
    client = mqtt.Client(client_id=client_id, protocol=mqtt.MQTTv311)
    if arguments.user:
        client.username_pw_set(arguments.user, arguments.password)
    if on_message:
        client.on_connect = lambda c, *_: c.subscribe(TOPIC, qos=0)
        client.on_subscribe = lambda *_: print(json.dumps({"ready": True}), flush=True)
        client.on_message = lambda _c, _u, message: on_message(message.payload)
    client.connect(host, int(port))
    client.loop_start()
    return client


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("role", choices=["sensor", "actuator"])
    parser.add_argument("--suite", choices=["paper-faithful", "paper-corrected"], required=True)
    parser.add_argument("--keys", required=True)
    parser.add_argument("--state", default="actuator_state.json")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--epoch", type=int, default=int(time.time()))
    parser.add_argument("--broker")
    parser.add_argument("--user")
    parser.add_argument("--password")
    arguments = parser.parse_args()

    if arguments.role == "sensor":
        keys = {"actuator_public": load(arguments.keys, "actuator_rsa_pub.pem", False), "sensor_private": load(arguments.keys, "sensor_dsa_priv.pem", True)}
        make = faithful_message if arguments.suite == "paper-faithful" else corrected_message
        client = connect(arguments, "sensor_secure") if arguments.broker else None
        for counter in range(arguments.first, arguments.first + max(arguments.count, 1)):
            message = make(keys, counter, arguments.epoch)
            if client:
                client.publish(TOPIC, message, qos=0).wait_for_publish()
            else:
                sys.stdout.buffer.write(message + b"\n")
        if client:
            client.disconnect()
            client.loop_stop()
        return

    keys = {"actuator_private": load(arguments.keys, "actuator_rsa_priv.pem", True), "sensor_public": load(arguments.keys, "sensor_dsa_pub.pem", False)}
    actuator = (FaithfulActuator if arguments.suite == "paper-faithful" else CorrectedActuator)(keys, arguments.state)
    done = 0

    def answer(data):
        nonlocal done
        cause, event = actuator.verify(data)
        print(json.dumps({"accepted": not cause, "cause": cause, "event": event}), flush=True)
        done += 1

    if not arguments.broker:
        for line in sys.stdin.buffer:
            answer(line.rstrip(b"\n"))
        return
    client = connect(arguments, "actuator_secure", answer)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (not arguments.count or done < arguments.count):
        time.sleep(0.02)
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main()
