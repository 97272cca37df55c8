using Signet.Web.SignIn;

namespace Signet.Cli.Up;

// Signing in with an OpenID Connect provider.
internal sealed partial record Setting
{
    public static Setting ProviderIssuer => OfSignIn.Issuer;
    public static Setting ProviderClientId => OfSignIn.ClientId;
    public static Setting ProviderSecretFile => OfSignIn.SecretFile;
    public static Setting ProviderTrustFile => OfSignIn.TrustFile;
    public static Setting ProviderName => OfSignIn.Name;
    public static Setting ProviderScopes => OfSignIn.Scopes;
    public static Setting ProviderNewAccounts => OfSignIn.NewAccounts;
    public static Setting ProviderGroups => OfSignIn.Groups;
    public static Setting ProviderNameClaim => OfSignIn.NameClaim;
    public static Setting ProviderRoleClaim => OfSignIn.RoleClaim;
    public static Setting ProviderAdmins => OfSignIn.Admins;
    public static Setting ProviderOperators => OfSignIn.Operators;
    public static Setting ProviderViewers => OfSignIn.Viewers;
    public static Setting ProviderWithoutRole => OfSignIn.WithoutRole;
    public static Setting ProviderFactor => OfSignIn.Factor;
    public static Setting ProviderSignOut => OfSignIn.SignOut;

    private static Setting[] OfProvider => [ProviderIssuer, ProviderClientId, ProviderSecretFile, ProviderTrustFile, ProviderName, ProviderScopes, ProviderNewAccounts, ProviderGroups, ProviderNameClaim, ProviderRoleClaim, ProviderAdmins, ProviderOperators, ProviderViewers, ProviderWithoutRole, ProviderFactor, ProviderSignOut];

    // A class of its own, for the reason in Setting.Brokers.cs.
    private static class OfSignIn
    {
        public static readonly Setting Issuer = new("oidc:issuer", null, "", "OpenID Connect provider that people may sign in with, as it writes itself (https://id.example.org); empty: none",
            value => value.Length == 0 ? null : ProviderMetadata.WhyNot(value));

        public static readonly Setting ClientId = new("oidc:clientId", null, "", "Client id that the provider gave to this console", value => value.Length <= 256 && value.All(c => c is > ' ' and <= '~') ? null : "printable characters without spaces");
        public static readonly Setting SecretFile = new("oidc:clientSecretFile", null, "", "File (0600) whose first line is the client's secret; empty: a public client", Absolute);
        public static readonly Setting TrustFile = new("oidc:trustFile", null, "", "PEM file of the roots that the provider's certificate must lead to; empty: the operating system's", Absolute);
        public static readonly Setting Name = new("oidc:name", null, "", "What the button calls the provider; empty: its host", value => value.Length <= 64 && !value.Any(char.IsControl) ? null : "at most 64 printable characters");
        public static readonly Setting Scopes = new("oidc:scopes", null, "openid profile", "Scopes that are asked for, with spaces between", value => value.Split(' ', StringSplitOptions.RemoveEmptyEntries).Contains("openid") ? null : "scopes with spaces between, openid among them");
        public static readonly Setting NewAccounts = new("oidc:newAccounts", null, "false", "Make an account for somebody whom the provider knows and this house does not", Truth);
        public static readonly Setting Groups = new("oidc:groups", null, "", "Groups of devices that such a new account is limited to, comma-separated; empty: all devices", value => Words(value).All(Signet.Wire.Topics.IsWord) ? null : "names of groups (a-z 0-9 . _ -), comma-separated");
        public static readonly Setting NameClaim = new("oidc:nameClaim", null, "preferred_username", "Claim with the name of a new account", value => value.Length is > 0 and <= 256 ? null : "the name of a claim");
        public static readonly Setting RoleClaim = new("oidc:roleClaim", null, "", "Claim that says the role at every sign-in (groups, realm_access.roles); empty: roles are given here", value => value.Length <= 256 ? null : "the name of a claim, or empty");
        public static readonly Setting Admins = new("oidc:adminValues", null, "", "Values of that claim that mean admin, comma-separated", _ => null);
        public static readonly Setting Operators = new("oidc:operatorValues", null, "", "Values that mean operator, comma-separated", _ => null);
        public static readonly Setting Viewers = new("oidc:viewerValues", null, "", "Values that mean viewer, comma-separated", _ => null);
        public static readonly Setting WithoutRole = new("oidc:withoutRole", null, "refuse", "Who has none of these values: refuse or viewer", value => value is "refuse" or "viewer" ? null : "refuse or viewer");

        public static readonly Setting Factor = new("oidc:secondFactor", null, "", "What the provider must say for its second factor to count here, comma-separated (amr=mfa, acr=urn:example:strong); empty: it does not count",
            value => Words(value).All(word => word.StartsWith("amr=", StringComparison.Ordinal) || word.StartsWith("acr=", StringComparison.Ordinal)) ? null : "amr=VALUE or acr=VALUE, comma-separated");

        public static readonly Setting SignOut = new("oidc:signOut", null, "false", "Signing out here leads to the provider's own sign-out", Truth);
    }

    internal static string[] Words(string value) => value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
