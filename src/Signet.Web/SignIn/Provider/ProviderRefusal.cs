using System.Collections.Frozen;

namespace Signet.Web.SignIn;

/// <summary>Why a sign-in with the provider came to nothing. The names stand in audit entries and on the page; append only.</summary>
public enum ProviderRefusal
{
    /// <summary>No state of ours, or a changed one.</summary>
    BadState = 1,

    /// <summary>The answer came to another browser than the one that left.</summary>
    OtherBrowser = 2,

    /// <summary>The answer was taken before.</summary>
    StateUsed = 3,
    StateTooOld = 4,
    AccessDenied = 5,
    ProviderError = 6,
    NoCode = 7,

    /// <summary>RFC 9207: the answer is another provider's (mix-up), or does not say whose it is although this one always does.</summary>
    WrongIssuerParameter = 8,
    Unreachable = 9,

    /// <summary>The discovery document is not one, is another issuer's, or leads to addresses that are not safe.</summary>
    BadDocument = 10,
    BadKeys = 11,

    /// <summary>The token endpoint says no.</summary>
    TokenRefused = 12,
    BadTokenAnswer = 13,
    NoIdToken = 14,
    Malformed = 20,
    AlgorithmNotAllowed = 21,
    UnknownKey = 22,
    BadSignature = 23,
    WrongIssuer = 24,
    WrongAudience = 25,
    WrongParty = 26,
    Expired = 27,
    NotYetValid = 28,
    TooOld = 29,
    WrongNonce = 30,
    WrongAccessTokenHash = 31,
    NoSubject = 32,

    /// <summary>The person was to show themselves again, and did not.</summary>
    NotFresh = 33,
    UserInfoFailed = 34,
    UserInfoOtherSubject = 35,
    NoAccount = 50,
    NoName = 51,
    NameTaken = 52,
    NoRole = 53,
    Disabled = 54,
    LinkedElsewhere = 55,
    OtherPerson = 56,
    NotSignedIn = 57,
    AuditUnavailable = 58,
    TooLate = 59,
    NotDone = 60,
}

/// <summary>What each refusal is called, and what the person can do next.</summary>
public static class ProviderRefusals
{
    private const string Again = "Try again. If it happens again, tell an administrator the reason below.";
    private const string Fault = "The provider's answer was not accepted. Tell an administrator the reason below.";

    private static readonly FrozenDictionary<ProviderRefusal, string> Words = new Dictionary<ProviderRefusal, string>
    {
        [ProviderRefusal.BadState] = Again,
        [ProviderRefusal.OtherBrowser] = "The answer belongs to another browser or another attempt. Start again from the sign-in page, in one tab.",
        [ProviderRefusal.StateUsed] = "This answer was used already. Start again from the sign-in page.",
        [ProviderRefusal.StateTooOld] = "That took too long. Sign in again.",
        [ProviderRefusal.AccessDenied] = "You were not let in at the provider, or you cancelled. Try again, or sign in another way.",
        [ProviderRefusal.ProviderError] = "The provider reported an error. Try again later, or sign in another way.",
        [ProviderRefusal.NoCode] = Again,
        [ProviderRefusal.WrongIssuerParameter] = "The answer came from another provider than the one you were sent to. Do not go on; tell an administrator.",
        [ProviderRefusal.Unreachable] = "The provider cannot be reached. Try again later, or sign in another way.",
        [ProviderRefusal.BadDocument] = Fault,
        [ProviderRefusal.BadKeys] = Fault,
        [ProviderRefusal.TokenRefused] = "The provider did not accept this console: its client id or secret may be wrong. Tell an administrator the reason below.",
        [ProviderRefusal.BadTokenAnswer] = Fault,
        [ProviderRefusal.NoIdToken] = Fault,
        [ProviderRefusal.Malformed] = Fault,
        [ProviderRefusal.AlgorithmNotAllowed] = "The provider signs in a way that is not accepted here. Tell an administrator: RS256, PS256 and ES256 are.",
        [ProviderRefusal.UnknownKey] = "The provider signed with a key it does not publish. Try again in a minute; it may just have changed its keys.",
        [ProviderRefusal.BadSignature] = Fault,
        [ProviderRefusal.WrongIssuer] = Fault,
        [ProviderRefusal.WrongAudience] = Fault,
        [ProviderRefusal.WrongParty] = Fault,
        [ProviderRefusal.Expired] = "The provider's answer is too old, or its clock and ours differ. Try again, or tell an administrator.",
        [ProviderRefusal.NotYetValid] = "The provider's answer is from the future: its clock and ours differ. Tell an administrator.",
        [ProviderRefusal.TooOld] = "The provider's answer is too old, or its clock and ours differ. Try again, or tell an administrator.",
        [ProviderRefusal.WrongNonce] = "The answer belongs to another browser or another attempt. Start again from the sign-in page, in one tab.",
        [ProviderRefusal.WrongAccessTokenHash] = Fault,
        [ProviderRefusal.NoSubject] = Fault,
        [ProviderRefusal.NotFresh] = "The provider did not ask you again who you are. Sign out there and try once more, or use your password.",
        [ProviderRefusal.UserInfoFailed] = Fault,
        [ProviderRefusal.UserInfoOtherSubject] = Fault,
        [ProviderRefusal.NoAccount] = "The provider knows you, but you have no account here. If you have one with a password, sign in with it and link the provider at /account. Else ask an administrator.",
        [ProviderRefusal.NoName] = "The provider did not say a name that can be used here. Ask an administrator for an account and link it.",
        [ProviderRefusal.NameTaken] = "An account of your name is here already. If it is yours, sign in with its password and link the provider at /account. Else ask an administrator.",
        [ProviderRefusal.NoRole] = "The provider gives you no role here. Ask whoever gives out rights there.",
        [ProviderRefusal.Disabled] = "Your account is disabled. Ask an administrator.",
        [ProviderRefusal.LinkedElsewhere] = "This identity is linked to another account, or yours to another identity. Unlink that one first.",
        [ProviderRefusal.OtherPerson] = "The provider says that you are somebody else. Sign out there, then try again as yourself.",
        [ProviderRefusal.NotSignedIn] = "You are not signed in here any more. Sign in, then try again.",
        [ProviderRefusal.AuditUnavailable] = "Nobody can sign in while the audit log cannot be written. Try again later.",
        [ProviderRefusal.TooLate] = "That took too long. Sign in again.",
        [ProviderRefusal.NotDone] = Again,
    }.ToFrozenDictionary();

    /// <summary><c>wrong-nonce</c>: in audit entries, on the page, in addresses.</summary>
    public static string Name(this ProviderRefusal refusal)
        => string.Concat(refusal.ToString().Select((c, i) => i > 0 && char.IsUpper(c) ? $"-{char.ToLowerInvariant(c)}" : char.ToLowerInvariant(c).ToString()));

    /// <summary>In English; the pages translate it.</summary>
    public static string Next(this ProviderRefusal refusal) => Words[refusal];

    /// <summary>The refusal of a name; null for any other text.</summary>
    public static ProviderRefusal? Find(string? name) => Enum.GetValues<ProviderRefusal>().Where(one => one.Name() == name).Select(one => (ProviderRefusal?)one).FirstOrDefault();
}

/// <summary>Carries a refusal through the platform's handler, which knows failures as exceptions.</summary>
internal sealed class ProviderRefusedException(ProviderRefusal refusal) : Exception(refusal.Name())
{
    public ProviderRefusal Refusal { get; } = refusal;
}
