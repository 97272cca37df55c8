using Signet.Wire;

namespace Signet.Agent;

/// <summary>Who a device is, whom it obeys, and in what: all that judging a command and signing a receipt need.</summary>
/// <param name="Name">The device.</param>
/// <param name="Center">The <c>iss</c> of commands and <c>aud</c> of receipts.</param>
/// <param name="CenterKeys">The pinned keys of the center.</param>
/// <param name="Key">Its certificate's: signs receipts, telemetry and status, unless <see cref="Voice"/> says otherwise.</param>
/// <param name="AllowedCommands">The device's own list.</param>
/// <param name="SealingKey">Opens sealed commands; null: it has none.</param>
/// <param name="OnlySealed">Commands that are signed but not sealed are refused.</param>
/// <param name="Manifest">What policy allows besides; null: this device has none.</param>
/// <param name="HasClock">False: its clock cannot be believed, and commands must echo its boot nonce.</param>
public sealed record DeviceIdentity(
    string Name, string Center, KeyRing CenterKeys, SigningKey Key, IReadOnlySet<string> AllowedCommands, SealingKey? SealingKey = null, bool OnlySealed = false,
    ManifestClaims? Manifest = null, bool HasClock = true)
{
    /// <summary>The key to sign with at this moment; a suite may end while the device runs.</summary>
    public Func<SigningKey> Voice { get; init; } = () => Key;
}
