using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Testing;

/// <summary>A device worked by hand: it has the real key and says what the test wants it to say, so that an answer a real agent would never give can be given.</summary>
public sealed class HandDevice : IAsyncDisposable
{
    private readonly MqttClient _client;
    private readonly SigningKey _key;
    private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
    private readonly IAsyncEnumerator<MqttMessage> _messages;
    private readonly TimeProvider _time;
    private readonly long _epoch;
    private long _sequence;
    private readonly Channel<JsonObject> _heartbeats = Channel.CreateUnbounded<JsonObject>();
    private Task<bool>? _next;
    private Task? _reading;

    private HandDevice(string name, MqttClient client, SigningKey key, TimeProvider time)
        => (Name, _client, _key, _messages, _time, _epoch) = (name, client, key, client.ReadMessagesAsync().GetAsyncEnumerator(), time, time.GetUtcNow().ToUnixTimeSeconds());

    public string Name { get; }

    /// <summary>Number of its <c>online</c>.</summary>
    public long Since => 1;

    /// <summary>Connects, subscribes and signs that it is online.</summary>
    public static async Task<HandDevice> StartAsync(TestHouse house, string name, JsonObject? details = null, TimeProvider? time = null)
    {
        var home = house.Center.Installation.DeviceDirectory(name);
        var certificate = PemFile.ReadWithKey(Path.Combine(home, name + ".crt"), Path.Combine(home, name + ".key"));
        var device = new HandDevice(name, await house.ConnectAsync(name, name), SigningKey.Es256(certificate.GetECDsaPrivateKey()!, Thumbprint.Of(certificate)), time ?? TimeProvider.System);
        await device._client.SubscribeAsync(Topics.Command(name), Topics.Checkpoint(name));
        await device._client.PublishAsync(new()
        {
            Topic = Topics.Status(name), QoS = QoS.AtLeastOnce, Retain = true,
            Payload = StatusMessage.Sign(new()
            {
                Issuer = name, Id = device.NewId(), IssuedAt = device._time.GetUtcNow(), Epoch = device._epoch, Sequence = ++device._sequence, Topic = Topics.Status(name), State = StatusState.Online, Details = details ?? [],
            }, device._key),
        });
        return device;
    }

    /// <summary>The checkpoint that came with the last command, as it stood there.</summary>
    public string? CommandNote { get; private set; }

    /// <summary>The next message on its command topic, with its claims unverified.</summary>
    public async Task<(byte[] Bytes, JsonObject Claims)> NextAsync(TimeSpan? within = null)
    {
        byte[] bytes;
        while (true)
        {
            Acknowledge();
            (await _next!.WaitAsync(within ?? TimeSpan.FromSeconds(10))).ShouldBeTrue();
            _next = null;
            bytes = _messages.Current.Payload.ToArray();
            if (_messages.Current.Topic == Topics.Command(Name)) break;
            if (HeartbeatMessage.IsLike(bytes)) _heartbeats.Writer.TryWrite(JsonNode.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(Encoding.ASCII.GetString(bytes).Split('.')[1]))!.AsObject());
        }

        CommandNote = _messages.Current.UserProperties.FirstOrDefault(property => property.Name == Topics.CheckpointProperty).Value;
        var parts = Encoding.ASCII.GetString(bytes).Split('.');
        return (bytes, parts.Length == 3 ? JsonNode.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(parts[1]))!.AsObject() : []);
    }

    /// <summary>The next checkpoint it is shown: a signed note with the cosignatures under it.</summary>
    public async Task<string> NextNoteAsync(TimeSpan within)
    {
        while (true)
        {
            Acknowledge();
            (await _next!.WaitAsync(within)).ShouldBeTrue();
            _next = null;
            if (_messages.Current.Topic == Topics.Checkpoint(Name) && Encoding.UTF8.GetString(_messages.Current.Payload.Span) is var note && note.Contains("\n\u2014 ", StringComparison.Ordinal)) return note;
        }
    }

    /// <summary>The center's next heartbeat, unverified.</summary>
    public async Task<(string Audience, long Sent, long Since, long NextWithin)> CenterHeartbeatAsync()
    {
        var next = _heartbeats.Reader.ReadAsync().AsTask();
        // Reading goes on until a command comes, which a test that waits for heartbeats does not send.
        if (_reading is not { IsCompleted: false }) _reading = NextAsync(TimeSpan.FromSeconds(20));
        await Task.WhenAny(_reading, next);
        var claims = await next.WaitAsync(TimeSpan.FromSeconds(60));
        return ((string)claims["aud"]!, (long)claims["sent"]!, (long)claims["since"]!, (long)claims["next"]!);
    }

    /// <summary>Signs a heartbeat with these counts.</summary>
    public async Task<byte[]> BeatAsync(long sent, long heard, long readings = 0, int next = 30)
    {
        var beat = HeartbeatMessage.Sign(new()
        {
            Issuer = Name, Audience = "command_center", Id = NewId(), IssuedAt = _time.GetUtcNow(), Epoch = _epoch, Sequence = ++_sequence, Topic = Topics.Telemetry(Name, HeartbeatClaims.Reading),
            Since = Since, NextWithin = next, Sent = sent, Heard = heard, Readings = readings,
        }, _key);
        await SayAsync(Topics.Telemetry(Name, HeartbeatClaims.Reading), beat);
        return beat;
    }

    /// <summary>Signs a reading.</summary>
    public (string Topic, byte[] Payload) Reading(string name, int value)
    {
        var topic = Topics.Telemetry(Name, name);
        return (topic, TelemetryMessage.Sign(new()
        {
            Issuer = Name, Id = NewId(), IssuedAt = _time.GetUtcNow(), Epoch = _epoch, Sequence = ++_sequence, Topic = topic, Name = name, Value = JsonValue.Create(value),
        }, _key));
    }

    public Task SayAsync(string topic, byte[] payload) => _client.PublishAsync(new() { Topic = topic, QoS = QoS.AtLeastOnce, Payload = payload });

    /// <summary>Lets the broker know that the message was taken: asking for the next one acknowledges the one before.</summary>
    public void Acknowledge() => _next ??= _messages.MoveNextAsync().AsTask();

    /// <summary>Signs a receipt about these bytes.</summary>
    public async Task<byte[]> AnswerAsync(ReadOnlyMemory<byte> command, string id, ReceiptState state, RejectReason reason = RejectReason.None, JsonObject? result = null)
    {
        var receipt = ReceiptMessage.Sign(new()
        {
            Issuer = Name, Audience = "command_center", Id = NewId(), IssuedAt = _time.GetUtcNow(), Epoch = _epoch, Sequence = ++_sequence, Topic = Topics.Receipt(Name),
            InReplyTo = id, Digest = Thumbprint.OfBytes(command.Span), State = state, Reason = reason, Result = result ?? [], Seen = 0,
        }, _key);
        await _client.PublishAsync(new() { Topic = Topics.Receipt(Name), QoS = QoS.AtLeastOnce, Payload = receipt });
        return receipt;
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        _key.Dispose();
        _random.Dispose();
    }

    private string NewId() => MessageId.New(_time, _random);
}
