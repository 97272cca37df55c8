using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Identity;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.SignIn;

/// <summary>Passkeys (WebAuthn Level 3) through the platform's handler, which checks challenge, origin, RP id, signature and flags. The questions' state stays in this process:
/// a question is answered once. User verification is required, so a stolen key alone is no factor.</summary>
internal sealed class PasskeyDesk(IPasskeyHandler<Person> handler, ShortMemory memory, CommandCenter center, TimeProvider time)
{
    private sealed record Asked(string State);

    /// <summary>The options for <c>navigator.credentials.create</c>, as JSON.</summary>
    public async Task<string> CreationOptionsAsync(HttpContext context, Account account)
    {
        var made = await handler.MakeCreationOptionsAsync(new() { Id = account.Id, Name = account.Name, DisplayName = account.Name }, context);
        memory.Put(Key(context), new Asked(made.AttestationState ?? ""), WebLimits.FactorSetup);
        return made.CreationOptionsJson;
    }

    /// <summary>What the browser made of it: a passkey to store, or null when it does not hold.</summary>
    public async Task<Passkey?> AttestAsync(HttpContext context, Account account, string credential, string name)
    {
        if (memory.Take<Asked>(Key(context)) is not { } asked) return null;
        var made = await handler.PerformAttestationAsync(new() { HttpContext = context, CredentialJson = credential, AttestationState = asked.State });
        if (!made.Succeeded || made.UserEntity.Id != account.Id) return null;
        var key = made.Passkey;
        return new(key.CredentialId, account.Id, name, key.PublicKey, key.SignCount, key.Transports ?? [], key.IsUserVerified, key.IsBackupEligible, key.IsBackedUp,
            key.AttestationObject, key.ClientDataJson, time.GetUtcNow(), null);
    }

    /// <summary>The options for <c>navigator.credentials.get</c>, as JSON; the state is the caller's to keep.</summary>
    public async Task<(string Options, string State)> RequestOptionsAsync(HttpContext context, Account account)
    {
        var made = await handler.MakeRequestOptionsAsync(new(account), context);
        return (made.RequestOptionsJson, made.AssertionState ?? "");
    }

    /// <summary>Is this the answer of one of the account's passkeys?</summary>
    public async Task<bool> AssertAsync(HttpContext context, Account account, string credential, string state)
    {
        var checkedOne = await handler.PerformAssertionAsync(new() { HttpContext = context, CredentialJson = credential, AssertionState = state });
        return checkedOne.Succeeded && checkedOne.User.Account.Id == account.Id
            && await center.SecondFactors.MarkPasskeyUsedAsync(account, checkedOne.Passkey.CredentialId, checkedOne.Passkey.SignCount, checkedOne.Passkey.IsBackedUp, context.RequestAborted);
    }

    private static string Key(HttpContext context) => context.SessionMark() ?? "";
}
