using System.Security.Cryptography;
using Signet.Wire;

namespace Signet.Control;

/// <summary>
/// The center's voice: its signing key and its place in its own order. The epoch is above every earlier one and durable before the first command leaves,
/// so a clock that jumped back or a restored backup never repeats an (epoch, sequence); <c>iat</c> is the clock's, and a device judges it by its own.
/// </summary>
internal sealed class CommandSigner(SigningKey key, OutgoingSequence sequence, TimeSpan lifetime, TimeProvider time, RandomNumberGenerator random) : IDisposable
{
    public SigningKey Key => key;

    public long Epoch => sequence.Epoch;

    public CommandClaims Claims(AuthorizedCommand authorized)
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(time.GetUtcNow().ToUnixTimeSeconds());
        return new()
        {
            Issuer = Actor.Center.Name,
            Audience = authorized.Device,
            Id = MessageId.New(time, random),
            IssuedAt = now,
            ExpiresAt = now + lifetime,
            Epoch = sequence.Epoch,
            Sequence = sequence.Next(),
            Topic = Topics.Command(authorized.Device),
            Command = authorized.Command,
            Arguments = authorized.Arguments,
            OriginatorName = authorized.Actor.Name,
            OriginatorRole = Words.Of(authorized.Actor.Role),
        };
    }

    public void Dispose() => key.Dispose();
}
