using System.Runtime.Versioning;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki.Tests;

/// <summary>Keys and files that cannot be used are refused in one clear line.</summary>
[Trait("row", "S0-32")]
[UnsupportedOSPlatform("windows")]
public sealed class AuthorityFilesSpecs : IDisposable
{
    private const UnixFileMode OnlyOwner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly PkiHouse _house = new();

    [Fact]
    public void Private_keys_and_the_ledger_are_for_their_owner_alone()
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        issued.Save(_house.In("device"));

        File.GetUnixFileMode(At("root.key")).ShouldBe(OnlyOwner);
        File.GetUnixFileMode(At("intermediate.key")).ShouldBe(OnlyOwner);
        File.GetUnixFileMode(At("ledger.ndjson")).ShouldBe(OnlyOwner);
        File.GetUnixFileMode(_house.In("device", "door-1.key")).ShouldBe(OnlyOwner);
        File.GetUnixFileMode(_house.Pki).ShouldBe(OnlyOwner | UnixFileMode.UserExecute);
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.OtherWrite)]
    public void A_key_that_others_may_use_is_refused_with_the_command_that_mends_it(UnixFileMode more)
    {
        File.SetUnixFileMode(At("intermediate.key"), OnlyOwner | more);
        Refused().ShouldBe($"{At("intermediate.key")} can be read or changed by other users of this machine; mend it with: chmod 600 {At("intermediate.key")}");
    }

    [Fact]
    public void A_directory_that_others_may_change_is_refused()
    {
        File.SetUnixFileMode(_house.Pki, (UnixFileMode)0x1ff);
        Refused().ShouldEndWith($"mend it with: chmod 700 {_house.Pki}");
    }

    [Fact]
    public void A_half_copied_directory_says_what_it_lacks()
    {
        File.Delete(At("intermediate.key"));
        File.Delete(At("ledger.ndjson"));
        Directory.Delete(At("issued"), recursive: true);
        Refused().ShouldBe($"{_house.Pki} is only half there, it lacks intermediate.key, ledger.ndjson, issued; copy the whole directory again or restore it from a backup");
    }

    [Fact]
    public void A_mixture_of_two_directories_is_noticed()
    {
        using var other = new PkiHouse();
        File.Copy(Path.Combine(other.Pki, "root.crt"), At("root.crt"), overwrite: true);
        File.Copy(Path.Combine(other.Pki, "root.key"), At("root.key"), overwrite: true);
        Refused().ShouldContain("was not signed by");
    }

    [Fact]
    public void A_key_that_belongs_to_another_certificate_is_noticed()
    {
        using var key = KeyKinds.Create(KeyKind.P256);
        KeyFile.Save(At("intermediate.key"), key);
        Refused().ShouldContain("is not the key of the certificate beside it");
    }

    [Fact]
    public void An_older_ledger_beside_a_newer_list_is_noticed_because_revocations_would_be_lost()
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        _house.Authority.Dispose();
        var before = File.ReadAllBytes(At("ledger.ndjson"));
        _house.Reopen().Revoke(issued.Serial, RevocationReason.KeyCompromise);
        _house.Authority.Dispose();
        File.WriteAllBytes(At("ledger.ndjson"), before);
        Refused().ShouldContain("revocations may be missing");
    }

    [Fact]
    public void The_ledger_of_another_authority_is_noticed()
    {
        using var other = new PkiHouse();
        other.Authority.Dispose();
        _house.Authority.Dispose();
        File.Copy(Path.Combine(other.Pki, "ledger.ndjson"), At("ledger.ndjson"), overwrite: true);
        Refused().ShouldContain("it belongs to another authority or is older");
    }

    [Fact]
    public void A_torn_last_line_is_cut_off_and_everything_before_it_stands()
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        _house.Authority.Dispose();
        File.AppendAllText(At("ledger.ndjson"), "{\"event\":\"issued\",\"at\":\"20");

        var opened = _house.Reopen();

        opened.Find(issued.Serial)!.Name.ShouldBe("door-1");
        using var next = _house.Issue(CertificateProfile.Device, "door-2");
        _house.Reopen().Find(next.Serial).ShouldNotBeNull();
    }

    [Fact]
    public void A_whole_last_line_without_its_newline_is_kept()
    {
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        _house.Authority.Revoke(issued.Serial, RevocationReason.KeyCompromise);
        _house.Authority.Dispose();
        File.WriteAllText(At("ledger.ndjson"), File.ReadAllText(At("ledger.ndjson")).TrimEnd('\n'));
        _house.Reopen().Find(issued.Serial)!.IsRevoked.ShouldBeTrue();
        using var next = _house.Issue(CertificateProfile.Device, "door-2");
        _house.Reopen().Find(next.Serial).ShouldNotBeNull();
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("{\"event\":\"revoked\",\"at\":\"2026-01-01T00:00:00+00:00\",\"issuer\":\"x\",\"serial\":\"01\"}")]
    [InlineData("{\"event\":\"revoked\",\"at\":\"2026-01-01T00:00:00+00:00\",\"issuer\":\"x\",\"serial\":\"01\",\"reason\":\"bored\"}")]
    public void A_broken_line_in_the_middle_stops_the_opening_and_is_named(string line)
    {
        _house.Authority.Dispose();
        var lines = File.ReadAllLines(At("ledger.ndjson")).ToList();
        lines.Insert(1, line);
        File.WriteAllText(At("ledger.ndjson"), string.Join('\n', lines) + "\n");
        Refused().ShouldContain("ledger.ndjson, line 2, cannot be read");
    }

    [Fact]
    public void An_authority_is_never_made_over_another_one()
        => Should.Throw<PkiException>(() => CertificateAuthority.Create(_house.Pki, _house.Options, _house.Clock, _house.Random)).Message.ShouldContain("already holds root.crt");

    [Fact]
    public void A_second_process_cannot_open_the_same_ledger()
        => Should.Throw<PkiException>(() => CertificateAuthority.Open(_house.Pki, _house.Options, _house.Clock, _house.Random)).Message.ShouldContain("cannot open");

    [Fact]
    public void Without_the_root_key_leaves_are_issued_and_revoked_but_the_root_waits()
    {
        File.Delete(At("root.key"));
        var opened = _house.Reopen();
        using var issued = _house.Issue(CertificateProfile.Device, "door-1");
        opened.Revoke(issued.Serial, RevocationReason.KeyCompromise).Detail.ShouldBe("");
        opened.RootCrl.Length.ShouldBeGreaterThan(100);

        var result = opened.Revoke(CertificateFacts.Serial(opened.Intermediate), RevocationReason.CaCompromise);

        result.Detail.ShouldContain("waits until its key is brought back");
        opened.Judge.Judge(issued.Certificate, null, CertificatePurpose.TlsClient).Refusal.ShouldBe(CertificateRefusal.Revoked);
    }

    [Fact]
    public void The_roots_certificate_and_key_are_read_as_a_pair_that_signs()
    {
        using var root = PemFile.ReadWithKey(Path.Combine(_house.Pki, "root.crt"), Path.Combine(_house.Pki, "root.key"));
        using var key = root.GetECDsaPrivateKey();
        key.ShouldNotBeNull().VerifyHash(new byte[32], key!.SignHash(new byte[32])).ShouldBeTrue();
    }

    [Fact]
    public void A_saved_certificate_comes_back_with_its_key()
    {
        using var issued = _house.Issue(CertificateProfile.Center, "command_center");
        issued.Save(_house.In("leaf"));
        using var read = PemFile.ReadWithKey(_house.In("leaf", "command_center.crt"), _house.In("leaf", "command_center.key"));
        read.HasPrivateKey.ShouldBeTrue();
        CertificateFacts.Thumbprint(read).ShouldBe(issued.Thumbprint);
        PemFile.Read(_house.In("leaf", "command_center.crt")).Count.ShouldBe(2);
    }

    [Fact]
    public void Files_that_hold_something_else_are_refused_in_words()
    {
        var garbage = _house.File("garbage.pem", "hello");
        Should.Throw<PkiException>(() => PemFile.Read(garbage)).Message.ShouldContain("holds no certificate");
        File.SetUnixFileMode(garbage, OnlyOwner);
        Should.Throw<PkiException>(() => KeyFile.Load(garbage)).Message.ShouldContain("holds no usable private key");
        Should.Throw<PkiException>(() => PemFile.Read(_house.In("nowhere"))).Message.ShouldStartWith("cannot read");
        Should.Throw<PkiException>(() => KeyFile.Load(_house.In("nowhere"))).Message.ShouldEndWith("is missing");
    }

    [Fact]
    public void Restarting_changes_nothing()
    {
        using var a = _house.Issue(CertificateProfile.Device, "door-1");
        using var b = _house.Issue(CertificateProfile.Device, "door-1");
        _house.Authority.Revoke(a.Serial, RevocationReason.CertificateHold);
        _house.Authority.Revoke(b.Serial, RevocationReason.Superseded);
        _house.Authority.Release(a.Serial);
        var ledger = _house.Authority.Ledger;
        var crl = _house.Authority.IntermediateCrl;

        var opened = _house.Reopen();

        opened.Ledger.ShouldBe(ledger);
        opened.IntermediateCrl.ShouldBe(crl);
        opened.FindByName("door-1").Count.ShouldBe(2);
    }

    public void Dispose() => _house.Dispose();

    private string At(string name) => Path.Combine(_house.Pki, name);

    private string Refused()
    {
        _house.Authority.Dispose();
        return Should.Throw<PkiException>(() => CertificateAuthority.Open(_house.Pki, _house.Options, _house.Clock, _house.Random)).Message;
    }
}
