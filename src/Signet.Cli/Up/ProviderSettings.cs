using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Signet.Access;
using Signet.Cli.Shell;
using Signet.Pki;
using Signet.Web;

namespace Signet.Cli.Up;

/// <summary>The OpenID Connect provider, out of the settings.</summary>
internal static class ProviderSettings
{
    /// <summary>Null: none.</summary>
    /// <exception cref="CliException">The settings do not fit together, or a file is not private or not what it should be.</exception>
    public static ProviderOptions? Of(SignetSettings settings)
    {
        var issuer = settings[Setting.ProviderIssuer];
        if (issuer.Length == 0)
            return settings[Setting.ProviderClientId].Length == 0 ? null : throw new CliException(ExitCode.WrongUsage, "oidc:clientId is set and oidc:issuer is not: which provider is it?");
        if (settings[Setting.ProviderClientId].Length == 0)
            throw new CliException(ExitCode.WrongUsage, "oidc:issuer is set and oidc:clientId is empty: register this console at the provider (redirect address https://THIS-CONSOLE/login/provider/callback) and write the id here.");
        var roles = new Dictionary<string, Role>(StringComparer.Ordinal);
        foreach (var (setting, role) in new[] { (Setting.ProviderViewers, Role.Viewer), (Setting.ProviderOperators, Role.Operator), (Setting.ProviderAdmins, Role.Admin) })
            foreach (var value in Setting.Words(settings[setting]))
                if (!roles.TryAdd(value, role)) throw new CliException(ExitCode.WrongUsage, $"\"{value}\" means two roles: it stands in {setting.Key} and in another list.");
        if (settings[Setting.ProviderRoleClaim].Length > 0 != roles.Count > 0)
            throw new CliException(ExitCode.WrongUsage, "oidc:roleClaim and the values that mean a role (oidc:adminValues, oidc:operatorValues, oidc:viewerValues) belong together: set both or neither.");
        var factor = Setting.Words(settings[Setting.ProviderFactor]);
        return new()
        {
            Issuer = issuer,
            ClientId = settings[Setting.ProviderClientId],
            ClientSecret = Secret(settings[Setting.ProviderSecretFile]),
            Trust = Trust(settings[Setting.ProviderTrustFile]),
            Name = settings[Setting.ProviderName] is { Length: > 0 } name ? name : new Uri(issuer).Host,
            Scopes = settings[Setting.ProviderScopes].Split(' ', StringSplitOptions.RemoveEmptyEntries),
            Groups = Setting.Words(settings[Setting.ProviderGroups]),
            NewAccounts = settings[Setting.ProviderNewAccounts] == "true",
            NameClaim = settings[Setting.ProviderNameClaim],
            RoleClaim = settings[Setting.ProviderRoleClaim] is { Length: > 0 } claim ? claim : null,
            Roles = roles,
            ViewerWithoutRole = settings[Setting.ProviderWithoutRole] == "viewer",
            FactorAcr = [.. factor.Where(word => word.StartsWith("acr=", StringComparison.Ordinal)).Select(word => word[4..])],
            FactorAmr = [.. factor.Where(word => word.StartsWith("amr=", StringComparison.Ordinal)).Select(word => word[4..])],
            SignOut = settings[Setting.ProviderSignOut] == "true",
        };
    }

    private static string? Secret(string file)
    {
        if (file.Length == 0) return null;
        KeyFile.RequirePrivate(file);
        var secret = File.ReadLines(file).FirstOrDefault("").Trim();
        return secret.Length is > 0 and <= 4096 ? secret : throw new CliException(ExitCode.Refused, $"{file} must hold the client's secret on its first line; leave oidc:clientSecretFile empty for a public client.");
    }

    private static X509Certificate2Collection? Trust(string file)
    {
        if (file.Length == 0) return null;
        var roots = new X509Certificate2Collection();
        try
        {
            roots.ImportFromPemFile(file);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCode.Refused, $"oidc:trustFile {file}: {e.Message}");
        }
        return roots.Count > 0 ? roots : throw new CliException(ExitCode.Refused, $"oidc:trustFile {file} holds no certificate in PEM.");
    }
}
