using System.Diagnostics;
using System.Security.Cryptography;

namespace Signet.Pki.Tests;

/// <summary>An authority in a directory of its own, a clock that stands still, and the real openssl beside it.</summary>
internal sealed class PkiHouse : IDisposable
{
    private readonly DirectoryInfo _place = Directory.CreateTempSubdirectory("signet-pki-");

    public PkiHouse(AuthorityOptions? options = null, DateTimeOffset? now = null)
    {
        Options = options ?? new();
        Clock = new(now ?? DateTimeOffset.UtcNow);
        Authority = CertificateAuthority.Create(Pki, Options, Clock, Random);
    }

    public AuthorityOptions Options { get; set; }

    public StandingClock Clock { get; }

    public RandomNumberGenerator Random { get; } = RandomNumberGenerator.Create();

    public CertificateAuthority Authority { get; private set; }

    public string Pki => In("pki");

    public string In(params string[] parts) => Path.Combine([_place.FullName, .. parts]);

    public IssuedCertificate Issue(CertificateProfile profile, string name, params string[] hosts) => Authority.Issue(new(profile, name, hosts.Length == 0 ? null : hosts));

    /// <summary>As after a restart.</summary>
    public CertificateAuthority Reopen()
    {
        Authority.Dispose();
        return Authority = CertificateAuthority.Open(Pki, Options, Clock, Random);
    }

    /// <summary>Writes a file and gives its path.</summary>
    public string File(string name, string content)
    {
        System.IO.File.WriteAllText(In(name), content);
        return In(name);
    }

    /// <summary>Runs openssl and gives everything it printed; fails the test on another exit code.</summary>
    public string Openssl(int exitCode, params string[] arguments) => Run(exitCode, "openssl", arguments);

    /// <summary>Another program.</summary>
    public string Run(string program, params string[] arguments) => Run(0, program, arguments);

    private string Run(int exitCode, string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = _place.FullName };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd() + error.Result;
        process.WaitForExit();
        process.ExitCode.ShouldBe(exitCode, $"{program} {string.Join(' ', arguments)}\n{output}");
        return output;
    }

    public string Openssl(params string[] arguments) => Openssl(0, arguments);

    public void Dispose()
    {
        Authority.Dispose();
        Random.Dispose();
        _place.Delete(recursive: true);
    }
}

/// <summary>Time moves only when a test says so.</summary>
internal sealed class StandingClock(DateTimeOffset now) : TimeProvider
{
    public DateTimeOffset Now { get; set; } = now;

    public override DateTimeOffset GetUtcNow() => Now;
}
