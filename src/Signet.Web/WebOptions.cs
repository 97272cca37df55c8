using System.Net;
using System.Security.Cryptography;
using Signet.Access;

namespace Signet.Web;

/// <summary>Where the console listens and for which names. Numbers that are not settings stand in <see cref="WebLimits"/>.</summary>
public sealed record WebOptions
{
    /// <summary>Address of both listeners. Loopback until somebody says otherwise.</summary>
    public IPAddress Listen { get; init; } = IPAddress.Loopback;

    /// <summary>HTTPS: pages, API, live feed. 0 takes a free one (<see cref="WebConsole.ConsoleUrl"/>).</summary>
    public int ConsolePort { get; init; } = 8443;

    /// <summary>Plain HTTP: revocation lists and CA certificates. 0 takes a free one (<see cref="WebConsole.PkiUrl"/>).</summary>
    public int PkiPort { get; init; } = 8080;

    /// <summary>HTTP for brokers that are not ours. 0 takes a free one (<see cref="WebConsole.AuthUrl"/>).</summary>
    public int AuthPort { get; init; } = 3000;

    /// <summary>Address of that listener; anything but loopback needs <see cref="AuthFrom"/> and <see cref="AuthToken"/> and speaks TLS.</summary>
    public IPAddress AuthListen { get; init; } = IPAddress.Loopback;

    /// <summary>Who may ask besides this machine.</summary>
    public IReadOnlyList<IPNetwork> AuthFrom { get; init; } = [];

    /// <summary>Secret path segment (<c>/auth/TOKEN/user</c>), for peers that can show no client certificate. Null: none.</summary>
    public string? AuthToken { get; init; }

    /// <summary>Open the listener for other brokers although there is no TOTP account yet.</summary>
    public bool OpenAuth { get; init; }

    /// <summary>Names and addresses the console answers to, besides loopback and those of the installation. Any other <c>Host</c> is refused.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>Also TLS 1.2 for browsers that lack 1.3.</summary>
    public bool AllowTls12 { get; init; }

    /// <summary>Who may make an account at <c>/register</c>.</summary>
    public Registration Registration { get; init; } = Registration.Invitation;

    /// <summary>A list of passwords from breaches that nobody may choose (<c>people:breachedPasswords</c>): SHA-1 in hexadecimal, one a line, in order. Null: none.</summary>
    public string? BreachedPasswords { get; init; }

    /// <summary>Roles that can do nothing without a second factor once their grace period is over (<c>CenterOptions.SecondFactorGrace</c>).</summary>
    public IReadOnlyList<Role> SecondFactorFor { get; init; } = [Role.Operator, Role.Admin];

    /// <summary>What is set and from where, for the settings page.</summary>
    public IReadOnlyList<ShownSetting> Settings { get; init; } = [];

    /// <summary>Client certificates on the console's port (<c>console.clientCertificate</c>). Devices renew with theirs, so <see cref="ClientCertificateMode.Off"/> ends renewing over this port.</summary>
    public ClientCertificateMode ClientCertificate { get; init; } = ClientCertificateMode.Ask;

    /// <summary>Networks of proxies that end TLS before the console and say who their client is (<c>console:proxies</c>); each must also show a certificate of the profile <c>proxy</c> and the name <see cref="ProxyName"/>. Empty: nobody.</summary>
    public IReadOnlyList<IPNetwork> Proxies { get; init; } = [];

    /// <summary>Name in the certificate of those proxies (<c>console:proxyName</c>).</summary>
    public string ProxyName { get; init; } = "nginx";

    /// <summary>What a person's client certificate is worth at the console (<c>console.certificateSignIn</c>).</summary>
    public SignIn.CertificateSignIn CertificateSignIn { get; init; } = SignIn.CertificateSignIn.Factor;

    /// <summary>People may sign in with this provider; null: none.</summary>
    public ProviderOptions? Provider { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public RandomNumberGenerator Random { get; init; } = RandomNumberGenerator.Create();
}

/// <summary>Who may make an account.</summary>
public enum Registration
{
    /// <summary>Who has a link that an administrator made.</summary>
    Invitation = 0,

    /// <summary>Everybody who reaches the console; they become viewers.</summary>
    Open = 1,

    /// <summary>Nobody: an administrator adds people.</summary>
    Closed = 2,
}

/// <summary>One setting of the program, as the settings page shows it.</summary>
/// <param name="Origin">Where the value comes from: <c>default</c>, a file, an environment variable, a flag.</param>
public sealed record ShownSetting(string Key, string Value, string Origin, string Meaning);

/// <summary>What the console's port does about client certificates.</summary>
public enum ClientCertificateMode
{
    /// <summary>Not asked for.</summary>
    Off = 0,

    /// <summary>Asked for; without one everything works as before.</summary>
    Ask = 1,

    /// <summary>Without one only a first enrolment works.</summary>
    Require = 2,
}
