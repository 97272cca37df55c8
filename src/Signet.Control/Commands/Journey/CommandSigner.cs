using System.Security.Cryptography;
using Signet.Wire;

namespace Signet.Control;

/// <summary>
/// The center's voice: its signing keys and its place in its own order. The epoch is above every earlier one and durable before the first command leaves,
/// so a clock that jumped back or a restored backup never repeats an (epoch, sequence); <c>iat</c> is the clock's, and a device judges it by its own.
/// </summary>
internal sealed class CommandSigner(CommandSigners keys, OutgoingSequence sequence, TimeSpan lifetime, TimeProvider time, RandomNumberGenerator random)
{
    private readonly Lock _one = new();
    private string? _lastId;

    /// <summary>The key that this device believes.</summary>
    public SigningKey KeyFor(DeviceRecord device) => keys.For(device).Key;

    public long Epoch => sequence.Epoch;

    /// <summary>An id for a new command; sorts in the order they were asked for, which is the order they are sent in.</summary>
    public string NewId()
    {
        lock (_one) return _lastId = _lastId is null ? MessageId.New(time, random) : MessageId.NewAfter(_lastId, time, random);
    }

    /// <param name="nonce">The boot nonce a device without a clock has announced; null for all others.</param>
    public CommandClaims Claims(AuthorizedCommand authorized, string? nonce = null)
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(time.GetUtcNow().ToUnixTimeSeconds());
        return new()
        {
            Issuer = Actor.Center.Name,
            Audience = authorized.Device,
            Id = authorized.Id,
            IssuedAt = now,
            ExpiresAt = now + lifetime,
            Epoch = sequence.Epoch,
            Sequence = sequence.Next(),
            Topic = Topics.Command(authorized.Device),
            Command = authorized.Command,
            Arguments = authorized.Arguments,
            OriginatorName = authorized.Actor.Name,
            OriginatorRole = Words.Of(authorized.Actor.Role),
            Nonce = nonce,
        };
    }

    /// <summary>The center's heartbeat for one device, signed and numbered like a command.</summary>
    public byte[] Heartbeat(DeviceRecord device, long since, int nextWithin, long sent, long heard)
    {
        var id = NewId();
        return HeartbeatMessage.Sign(new()
        {
            Issuer = Actor.Center.Name, Audience = device.Name, Id = id, IssuedAt = time.GetUtcNow(), Epoch = sequence.Epoch, Sequence = sequence.Next(), Topic = Topics.Checkpoint(device.Name),
            Since = since, NextWithin = nextWithin, Sent = sent, Heard = heard, Readings = 0,
        }, KeyFor(device));
    }
}
