using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Signet.Mqtt;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>
/// What security costs: the door's reading made, sent over one and the same plain broker, received, checked and acted on, in each suite. Suites take turns in random order,
/// so that whatever else the machine does falls on all of them. TLS is measured beside it, as handshakes; the durable write of the replay state too.
/// </summary>
public sealed class LatencyStudy(LabContext lab, PaperKeys keys, int samples)
{
    public const string Insecure = "insecure", Es256 = "signet-es256", Ps256 = "signet-ps256", Hs256 = "signet-hs256", Sealed = "signet-sealed";

    private sealed record Lane(string Suite, string Meaning, Func<byte[]> Make, Func<ReadOnlyMemory<byte>, bool> Accept);

    public async Task RunAsync(LabResults results, Action<string> progress, CancellationToken cancellationToken)
    {
        var house = await lab.OpenHouseAsync(cancellationToken);
        await using var sender = await house.ConnectAsync("latency_sender", cancellationToken);
        await using var receiver = await house.ConnectAsync("latency_receiver", cancellationToken);
        await receiver.SubscribeAsync([new("lab/latency", QoS.AtMostOnce)], cancellationToken: cancellationToken);
        using var owned = new Owned();
        var lanes = Lanes(owned);
        var times = lanes.ToDictionary(l => l.Suite, _ => new List<double>(samples), StringComparer.Ordinal);
        var messages = receiver.ReadMessagesAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        await using (messages)
        {
            async Task<double> OnceAsync(Lane lane)
            {
                var start = lab.Time.GetTimestamp();
                await sender.PublishAsync(new() { Topic = "lab/latency", Payload = lane.Make() }, cancellationToken);
                if (!await messages.MoveNextAsync()) throw new LabException("the broker closed during the latency study");
                if (!lane.Accept(messages.Current.Payload)) throw new LabException($"{lane.Suite}: a genuine message was refused during the latency study");
                return lab.Time.GetElapsedTime(start).TotalMilliseconds;
            }

            var order = lab.RandomFor("latency");
            for (var i = 0; i < 30; i++)
                foreach (var lane in lanes) await OnceAsync(lane); // warm-up
            for (var i = 0; i < samples; i++)
            {
                if (i % 50 == 0) progress($"sample {i} of {samples}");
                var turn = lanes.ToArray();
                order.Shuffle(turn);
                foreach (var lane in turn) times[lane.Suite].Add(await OnceAsync(lane));
            }
            foreach (var lane in lanes)
            {
                progress("processor time of " + lane.Suite);
                var (before, bytes) = (Environment.CpuUsage.TotalTime, house.Counters.BytesIn);
                for (var i = 0; i < samples / 2; i++) await OnceAsync(lane);
                var cpu = (Environment.CpuUsage.TotalTime - before).TotalMilliseconds / (samples / 2);
                results.Suites.Add(new(lane.Suite, lane.Meaning, Summary.Of(times[lane.Suite]), lane.Make().Length, cpu, (house.Counters.BytesIn - bytes) / (double)(samples / 2)));
            }
        }
        results.Fsync = MeasureFsync();
        progress("handshakes");
        results.Handshake = await MeasureHandshakesAsync(cancellationToken);
        results.PlainConnect = await MeasurePlainAsync(house, cancellationToken);
    }

    private List<Lane> Lanes(Owned owned)
    {
        var quiet = new LabLogs(null, lab.Time);
        var open = new OpenSensor(quiet["s"], lab.Time, lab.Secrets);
        var openActuator = new OpenActuator(quiet["a"]);
        var faithful = new FaithfulSensor(keys, quiet["fs"], lab.Time, lab.Secrets);
        var faithfulActuator = new FaithfulActuator(keys, Path.Combine(lab.Scratch, "latency", "faithful.json"), quiet["fa"], lab.Time);
        var corrected = new CorrectedSensor(keys, Path.Combine(lab.Scratch, "latency", "epoch"), quiet["cs"], lab.Time, lab.Secrets);
        var correctedActuator = new CorrectedActuator(keys.Actuator, new Dictionary<string, DSA> { [PaperNames.SecureSensorId] = keys.Sensor }, Path.Combine(lab.Scratch, "latency", "corrected.json"), quiet["ca"], lab.Time);
        var who = lab.Identities;
        var shared = new byte[32];
        lab.Secrets.GetBytes(shared);
        return
        [
            new(Insecure, "plain JSON, nothing checked", open.Next, openActuator.Receive),
            new(PaperNames.Faithful, "DSA-2048, RSA-2048, AES-256-GCM; state written, not flushed", faithful.Next, m => faithfulActuator.Receive(m.Span).Accepted),
            new(PaperNames.Corrected, "the same primitives over everything; state flushed to disk", corrected.Next, m => correctedActuator.Receive(m.Span).Accepted),
            Signed(Es256, "ES256 (P-256), strict verification, replay window", owned.Keep(SigningKey.Es256(owned.Keep(who.VictimDevice.Certificate.GetECDsaPrivateKey()!), who.VictimDevice.Thumbprint)), owned.Keep(PinnedKey.FromCertificate(who.VictimDevice.Certificate, LabIdentities.Victim, "ES256"))),
            Signed(Ps256, "PS256 (RSA-2048), strict verification, replay window", owned.Keep(SigningKey.Ps256(owned.Keep(who.CenterSign.Certificate.GetRSAPrivateKey()!), who.CenterSign.Thumbprint)), owned.Keep(PinnedKey.FromCertificate(who.CenterSign.Certificate, LabIdentities.Victim, "PS256"))),
            SealedLane(owned),
            Signed(Hs256, "HS256, strict verification, replay window", owned.Keep(SigningKey.Hs256(shared, "lab")), owned.Keep(PinnedKey.Hs256(shared, LabIdentities.Victim, "lab"))),
        ];
    }

    /// <summary>The house's own telemetry message with the door's state.</summary>
    private Lane Signed(string suite, string meaning, SigningKey key, PinnedKey pinned)
    {
        var topic = Topics.Telemetry(LabIdentities.Victim, "door");
        var sequence = OutgoingSequence.Start(0, lab.Time);
        var window = new ReplayWindow();
        var ring = KeyRing.Empty.With(pinned);
        return new(suite, meaning, () => TelemetryMessage.Sign(new()
        {
            Issuer = LabIdentities.Victim, Id = MessageId.New(lab.Time, lab.Secrets), IssuedAt = lab.Time.GetUtcNow(), Epoch = sequence.Epoch, Sequence = sequence.Next(),
            Topic = topic, Name = "door", Value = JsonValue.Create("door_open"),
        }, key), message =>
        {
            if (!TelemetryMessage.TryVerify(message.Span, new() { Keys = ring, Topic = topic, Now = lab.Time.GetUtcNow() }, out var verified, out _)) return false;
            if (!window.Check(verified.Claims.Epoch, verified.Claims.Sequence, lab.Time.GetUtcNow(), out _)) return false;
            window.Commit(verified.Claims.Epoch, verified.Claims.Sequence);
            return true;
        });
    }

    /// <summary>A signed reading in an envelope that only its receiver can open: ECDH-ES on P-256 with a fresh key pair for each message, AES-256-GCM.</summary>
    private Lane SealedLane(Owned owned)
    {
        var who = lab.Identities;
        var key = owned.Keep(SigningKey.Es256(owned.Keep(who.VictimDevice.Certificate.GetECDsaPrivateKey()!), who.VictimDevice.Thumbprint));
        var inner = Signed(Sealed, "ES256 inside ECDH-ES (P-256) and AES-256-GCM", key, owned.Keep(PinnedKey.FromCertificate(who.VictimDevice.Certificate, LabIdentities.Victim, "ES256")));
        var certificate = owned.Keep(who.Authority.Issue(new(Pki.CertificateProfile.DeviceSealing, LabIdentities.Victim)));
        var recipient = owned.Keep(SealingRecipient.FromCertificate(certificate.Certificate, LabIdentities.Victim));
        var opener = owned.Keep(SealingKey.EcdhEs(certificate.Certificate.GetECDiffieHellmanPrivateKey()!, certificate.Thumbprint));
        var topic = Topics.Telemetry(LabIdentities.Victim, "door");
        return inner with
        {
            Make = () => SealedMessage.Seal(inner.Make(), recipient, topic, lab.Secrets),
            Accept = message => SealedMessage.TryOpen(message.Span, opener, new() { Keys = KeyRing.Empty, Audience = LabIdentities.Victim, Topic = topic, Now = lab.Time.GetUtcNow() }, out var signed, out _) && inner.Accept(signed),
        };
    }

    /// <summary>A record of a command's size appended and flushed, as the device's journal does before it acts.</summary>
    private Summary MeasureFsync()
    {
        var record = new byte[1_024];
        var times = new List<double>();
        using var file = new FileStream(Path.Combine(lab.Scratch, "journal"), FileMode.Create, FileAccess.Write, FileShare.None, 0);
        for (var i = 0; i < 100; i++)
        {
            var start = lab.Time.GetTimestamp();
            file.Write(record);
            file.Flush(flushToDisk: true);
            times.Add(lab.Time.GetElapsedTime(start).TotalMilliseconds);
        }
        return Summary.Of(times);
    }

    /// <summary>TCP, TLS 1.3 with both certificates, CONNECT and CONNACK: what a device pays once for each connection.</summary>
    private async Task<Summary> MeasureHandshakesAsync(CancellationToken cancellationToken)
    {
        await using var bench = lab.Broker(null);
        var times = new List<double>();
        for (var i = 0; i < 60; i++)
        {
            var start = lab.Time.GetTimestamp();
            await using var client = await bench.ConnectAsync(bench.Who.VictimDevice, LabIdentities.Victim, cancellationToken);
            if (i >= 10) times.Add(lab.Time.GetElapsedTime(start).TotalMilliseconds);
        }
        return Summary.Of(times);
    }

    /// <summary>TCP, CONNECT and CONNACK at the open house.</summary>
    private async Task<Summary> MeasurePlainAsync(OpenHouse house, CancellationToken cancellationToken)
    {
        var times = new List<double>();
        for (var i = 0; i < 60; i++)
        {
            var start = lab.Time.GetTimestamp();
            await using var client = await house.ConnectAsync("plain_connect", cancellationToken);
            if (i >= 10) times.Add(lab.Time.GetElapsedTime(start).TotalMilliseconds);
        }
        return Summary.Of(times);
    }

    private sealed class Owned : IDisposable
    {
        private readonly List<IDisposable> _all = [];

        public T Keep<T>(T one)
            where T : IDisposable
        {
            _all.Add(one);
            return one;
        }

        public void Dispose() => _all.ForEach(o => o.Dispose());
    }
}
