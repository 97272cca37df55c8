using System.Diagnostics;

namespace Signet.Pki.Tests;

/// <summary>Keys inside a token (SoftHSM). OpenSSL reads the token's environment once, when a process starts, so each test runs in a process of its own.</summary>
public sealed class Pkcs11Specs : IDisposable
{
    private const string Module = "/usr/lib/softhsm/libsofthsm2.so";
    private const string Place = "SIGNET_PKI_TOKEN_TEST";
    private readonly DirectoryInfo _place = Directory.CreateTempSubdirectory("signet-token-");

    [Theory]
    [InlineData("EC:prime256v1")]
    [InlineData("rsa:2048")]
    public void An_authority_whose_keys_are_in_a_token_issues_revokes_and_opens_again(string kind)
    {
        var tokens = _place.CreateSubdirectory("tokens");
        File.WriteAllText(In("softhsm2.conf"), $"directories.tokendir = {tokens.FullName}\nobjectstore.backend = file\nlog.level = ERROR\n");
        File.WriteAllText(In("pin"), "246813");
        Run("softhsm2-util", "--init-token", "--free", "--label", "signet", "--pin", "246813", "--so-pin", "135724");
        foreach (var (label, id) in (ReadOnlySpan<(string, string)>)[("root", "01"), ("intermediate", "02")])
        {
            Run("pkcs11-tool", "--module", Module, "--login", "--pin", "246813", "--token-label", "signet", "--keypairgen", "--key-type", kind, "--label", label, "--id", id);
        }

        var output = Run(Environment.ProcessPath!, [.. Program(), "-noColor", "-method", $"{typeof(Pkcs11Specs).FullName}.{nameof(Where_the_token_is_everything_works_and_where_it_is_not_no_authority_is_made)}"]);

        output.ShouldContain("Total: 1, Errors: 0, Failed: 0, Skipped: 0");
    }

    [Fact]
    public void A_key_that_is_not_there_is_refused_with_what_to_look_at()
        => Should.Throw<PkiException>(() => KeyFile.Open("pkcs11:token=none;object=none;type=private")).Message.ShouldStartWith("no private key behind pkcs11:token=none;object=none;type=private:");

    [Fact]
    public void A_PIN_inside_the_URI_is_refused_because_it_would_be_seen()
    {
        var message = Should.Throw<PkiException>(() => KeyFile.Open("pkcs11:token=signet;object=root?pin-value=246813")).Message;
        message.ShouldStartWith("give the PIN of pkcs11:token=signet;object=root by pin-source=file:FILE");
        message.ShouldNotContain("246813");
    }

    /// <summary>Runs twice: by itself, without a token, and started by the test above, with one.</summary>
    [Fact]
    public void Where_the_token_is_everything_works_and_where_it_is_not_no_authority_is_made()
    {
        var place = Environment.GetEnvironmentVariable(Place);
        string Uri(string label) => $"pkcs11:token=signet;object={label};type=private?pin-source=file:{place}/pin";
        var options = new AuthorityOptions { RootKeyUri = Uri("root"), IntermediateKeyUri = Uri("intermediate") };
        if (place is null)
        {
            Should.Throw<PkiException>(() => new PkiHouse(options)).Message.ShouldStartWith("no private key behind pkcs11:token=signet;object=root;type=private");
            return;
        }

        using var house = new PkiHouse(options);
        File.ReadAllText(Path.Combine(house.Pki, "root.key")).ShouldBe(Uri("root") + "\n");
        using var issued = house.Issue(CertificateProfile.Device, "door-1");
        house.Reopen();
        using var revoked = house.Issue(CertificateProfile.Device, "door-2");
        house.Authority.Revoke(revoked.Serial, RevocationReason.KeyCompromise);
        house.Authority.Judge.Judge(issued.Certificate, null, CertificatePurpose.TlsClient).Accepted.ShouldBeTrue();

        string[] verify = ["verify", "-crl_check_all", "-CAfile", "pki/root.crt", "-CRLfile", "pki/root.crl", "-CRLfile", "pki/intermediate.crl", "-untrusted", "pki/intermediate.crt"];
        house.Openssl([.. verify, house.File("good.crt", issued.ChainPem)]).ShouldContain("OK");
        house.Openssl(2, [.. verify, house.File("bad.crt", revoked.ChainPem)]).ShouldContain("certificate revoked");
    }

    public void Dispose() => _place.Delete(recursive: true);

    private string In(string name) => Path.Combine(_place.FullName, name);

    // Under "dotnet X.dll" the program is dotnet and its first argument the assembly; as an executable of its own it needs none.
    private static string[] Program() => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(Pkcs11Specs).Assembly.Location] : [];

    private string Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.Environment["SOFTHSM2_CONF"] = In("softhsm2.conf");
        start.Environment["PKCS11_MODULE_PATH"] = Module;
        start.Environment[Place] = _place.FullName;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd() + error.Result;
        process.WaitForExit();
        process.ExitCode.ShouldBe(0, $"{program} {string.Join(' ', arguments)}\n{output}");
        return output;
    }
}
