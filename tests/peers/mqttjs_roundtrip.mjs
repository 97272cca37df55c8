// Publishes one reading with MQTT.js over mutual TLS, or over a WebSocket in it, and reports what the broker said.
// Usage: node mqttjs_roundtrip.mjs PORT CA CERT KEY PUBLISH_TOPIC READ_TOPIC VERSION(4|5) [wss]
import { readFileSync } from "node:fs";
import mqtt from "mqtt";

const [port, ca, cert, key, publishTopic, readTopic, version, protocol = "mqtts"] = process.argv.slice(2);
const tls = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
const client = mqtt.connect({
  protocol,
  path: protocol === "wss" ? "/mqtt" : undefined,
  host: "localhost",
  port: Number(port),
  ...tls,
  wsOptions: tls,
  protocolVersion: Number(version),
  clientId: "mqttjs-" + version,
  reconnectPeriod: 0,
});
const failed = (error) => {
  console.log(JSON.stringify({ error: String(error.message ?? error), code: error.code ?? null }));
  process.exit(1);
};
client.on("error", failed);
client.on("connect", async () => {
  try {
    const granted = await client.subscribeAsync(readTopic, { qos: 1 });
    let refused = null;
    try {
      await client.subscribeAsync("signet/#", { qos: 1 });
    } catch (error) {
      refused = String(error.message);
    }
    await client.publishAsync(publishTopic, "from MQTT.js", { qos: 1 });
    console.log(JSON.stringify({ granted: granted.map((one) => one.qos), refused }));
    await client.endAsync();
  } catch (error) {
    failed(error);
  }
});
setTimeout(() => failed(new Error("no answer within 10 s")), 10000).unref();
