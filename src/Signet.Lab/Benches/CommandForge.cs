using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>Genuine commands of the center, and the same with any claim changed.</summary>
public sealed class CommandForge(LabIdentities who, TimeProvider time, RandomNumberGenerator random)
{
    internal RandomNumberGenerator Random { get; } = random;

    private OutgoingSequence _sequence = OutgoingSequence.Start(0, time);

    /// <summary>The center starts anew: a higher epoch.</summary>
    public void NextEpoch() => _sequence = OutgoingSequence.Start(_sequence.Epoch, time);

    public long Epoch => _sequence.Epoch;

    /// <summary>Left out: a center that counts its epochs and does not look at the clock.</summary>
    public bool OnlyCounts { get; init; }

    /// <summary>The center is restored from a backup that was made when its epoch was this one, and starts.</summary>
    public void Restore(long epoch) => _sequence = OutgoingSequence.Start(epoch, OnlyCounts ? new LabClock(time) { Offset = -TimeSpan.FromDays(3650) } : time);

    public CommandClaims Claims(string device = LabIdentities.Victim) => new()
    {
        Issuer = LabIdentities.Center,
        Audience = device,
        Id = MessageId.New(time, Random),
        IssuedAt = time.GetUtcNow(),
        ExpiresAt = time.GetUtcNow() + TimeSpan.FromSeconds(30),
        Epoch = _sequence.Epoch,
        Sequence = _sequence.Next(),
        Topic = Topics.Command(device),
        Command = "open",
        Arguments = [],
        OriginatorName = "admin",
        OriginatorRole = "admin",
    };

    /// <summary>Signed by the center.</summary>
    public byte[] Genuine(Func<CommandClaims, CommandClaims>? change = null, string device = LabIdentities.Victim) => CommandMessage.Sign(Changed(change, device), who.CenterKey);

    /// <summary>The same claims as JSON, for messages the house's signer would refuse to make.</summary>
    public JsonObject Json(Func<CommandClaims, CommandClaims>? change = null, string device = LabIdentities.Victim) => JwsForge.Open(Genuine(change, device)).Claims;

    /// <summary>Signed by the center's key whatever it says: what an insider or a stolen key could make.</summary>
    public byte[] Forced(JsonObject claims, string type = CommandMessage.Type) =>
        JwsForge.Make(JwsForge.Header("PS256", who.CenterKey.KeyId, type), claims, JwsForge.Ps256(who.CenterRsa));

    private CommandClaims Changed(Func<CommandClaims, CommandClaims>? change, string device)
    {
        var claims = Claims(device);
        return change is null ? claims : change(claims);
    }
}
