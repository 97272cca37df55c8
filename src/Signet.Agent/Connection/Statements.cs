using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Signet.Mqtt;
using Signet.Wire;

namespace Signet.Agent;

/// <summary>What a device says unasked: status and readings, signed and numbered, ready to publish. Safe for concurrent use.</summary>
internal sealed class Statements(DeviceIdentity device, OutgoingSequence sequence, TimeProvider time, RandomNumberGenerator random)
{
    /// <summary>Takes the next number now: a status must be above the one before it, and a last will above the <c>online</c> it ends.</summary>
    public MqttMessage Status(StatusState state, JsonObject details) => Status(state, details, sequence.Next());

    /// <summary>Numbers for what may have to be said on a connection after its last will was signed, and must stand below it: take them between its <c>online</c> and its will.</summary>
    public Queue<long> Spare() => new(Enumerable.Range(0, AgentLimits.SpareStatuses).Select(_ => sequence.Next()));

    public long Next() => sequence.Next();

    /// <summary>The same under a number that was taken before.</summary>
    public MqttMessage Status(StatusState state, JsonObject details, long number) => new()
    {
        Topic = Topics.Status(device.Name), QoS = QoS.AtLeastOnce, Retain = true,
        Payload = StatusMessage.Sign(new StatusClaims
        {
            Issuer = device.Name, Id = MessageId.New(time, random), IssuedAt = time.GetUtcNow(), Epoch = sequence.Epoch, Sequence = number, Topic = Topics.Status(device.Name),
            State = state, Details = details,
        }, device.Voice()),
    };

    public MqttMessage Reading(Measurement measurement) => new()
    {
        Topic = Topics.Telemetry(device.Name, measurement.Name), QoS = QoS.AtMostOnce,
        Payload = TelemetryMessage.Sign(new TelemetryClaims
        {
            Issuer = device.Name, Id = MessageId.New(time, random), IssuedAt = time.GetUtcNow(), Epoch = sequence.Epoch, Sequence = sequence.Next(),
            Topic = Topics.Telemetry(device.Name, measurement.Name), Name = measurement.Name, Value = measurement.Value, Unit = measurement.Unit,
        }, device.Voice()),
    };
}
