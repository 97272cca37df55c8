using System.Net;
using System.Security.Cryptography;

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

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public RandomNumberGenerator Random { get; init; } = RandomNumberGenerator.Create();
}
