using Microsoft.AspNetCore.Identity;
using Signet.Control;

namespace Signet.Web.SignIn;

/// <summary>Passkeys for ASP.NET Core Identity's WebAuthn handler: it reads here, and writes the counter of one that was used. Registering and removing goes through
/// <see cref="SecondFactors"/>, where it is audited.</summary>
public sealed partial class PersonStore
{
    public async Task<IList<UserPasskeyInfo>> GetPasskeysAsync(Person user, CancellationToken cancellationToken)
        => [.. (await center.SecondFactors.PasskeysAsync(user.Account.Id, cancellationToken)).Select(Info)];

    public async Task<Person?> FindByPasskeyIdAsync(byte[] credentialId, CancellationToken cancellationToken)
        => await center.SecondFactors.FindPasskeyAsync(credentialId, cancellationToken) is { } passkey ? await FindByIdAsync(passkey.Account, cancellationToken) : null;

    public async Task<UserPasskeyInfo?> FindPasskeyAsync(Person user, byte[] credentialId, CancellationToken cancellationToken)
        => await center.SecondFactors.FindPasskeyAsync(credentialId, cancellationToken) is { } passkey && passkey.Account == user.Account.Id ? Info(passkey) : null;

    /// <summary>Passkeys come with <see cref="SecondFactors.AddPasskeyAsync"/>, which takes the actor.</summary>
    public Task AddOrUpdatePasskeyAsync(Person user, UserPasskeyInfo passkey, CancellationToken cancellationToken) => throw new NotSupportedException("passkeys are added with CommandCenter.SecondFactors");

    /// <inheritdoc cref="AddOrUpdatePasskeyAsync"/>
    public Task RemovePasskeyAsync(Person user, byte[] credentialId, CancellationToken cancellationToken) => throw new NotSupportedException("passkeys are removed with CommandCenter.SecondFactors");

    private static UserPasskeyInfo Info(Passkey passkey) => new(
        passkey.Id, passkey.PublicKey, passkey.Created, passkey.SignCount, [.. passkey.Transports], passkey.UserVerified, passkey.BackupEligible, passkey.BackedUp, passkey.Attestation, passkey.ClientData)
    { Name = passkey.Name };
}
