using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Signet.Pki;
using Signet.Testing;

namespace Signet.Control.Tests;

public sealed class ReceiptFileSpecs
{
    [Fact]
    public async Task An_exported_receipt_verifies_with_the_root_alone_and_any_flipped_bit_is_refused_with_a_reason()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("thermostat-1");
        var command = await house.SendAsync("thermostat-1", "read-temperature");
        var file = (await house.Center.Commands.ExportReceiptAsync(command.Id, TestHouse.Operator)).Value.Json.ToArray();
        X509Certificate2[] roots = [X509CertificateLoader.LoadCertificate(house.Center.Authority.Root.RawData)];

        var good = ReceiptVerifier.Verify(file, roots);
        good.Valid.ShouldBeTrue(good.Problem);
        good.Summary!.Device.ShouldBe("thermostat-1");
        good.Summary.State.ShouldBe("executed");

        // Every byte, each with another of its bits; on a thread of its own, so that the other tests' houses keep theirs.
        var accepted = await Task.Factory.StartNew(() => Enumerable.Range(0, file.Length).Where(i =>
        {
            var edited = (byte[])file.Clone();
            edited[i] ^= (byte)(1 << (i % 8));
            return ReceiptVerifier.Verify(edited, roots) is { Valid: true } or { Problem: "" };
        }).ToList(), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        accepted.ShouldBeEmpty();

        using var stranger = TestCertificates.Foreign("root");
        ReceiptVerifier.Verify(file, [stranger]).Problem.ShouldContain("untrusted");
        ReceiptVerifier.Verify(file.AsSpan(0, file.Length - 1), roots).Valid.ShouldBeFalse();
        ReceiptVerifier.Verify([], roots).Valid.ShouldBeFalse();
    }

    [Fact]
    public async Task A_verifier_of_others_in_Python_agrees_on_the_good_file_and_on_damaged_ones()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("thermostat-1");
        var command = await house.SendAsync("thermostat-1", "check-status");
        var file = (await house.Center.Commands.ExportReceiptAsync(command.Id, TestHouse.Operator)).Value.Json.ToArray();
        using var temp = new TempDirectory();
        var files = new List<string> { temp.File("good.json") };
        await File.WriteAllBytesAsync(files[0], file);
        for (var i = 0; i < 200; i++)
        {
            var edited = (byte[])file.Clone();
            edited[(int)((long)i * file.Length / 200)] ^= (byte)(1 << (i % 7));
            files.Add(temp.File($"{i}.json"));
            await File.WriteAllBytesAsync(files[^1], edited);
        }

        var root = temp.File("root.crt");
        await File.WriteAllTextAsync(root, house.Center.Authority.Root.ExportCertificatePem());
        var answers = await PythonVerdicts.OfAsync(files, root);

        answers[0].ShouldBeTrue();
        answers.Count.ShouldBe(201);
        answers.Skip(1).ShouldAllBe(valid => !valid);
    }

    [Fact]
    public async Task A_certificate_that_is_revoked_later_is_reported_apart_and_the_receipt_stays_valid()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("thermostat-1");
        var command = await house.SendAsync("thermostat-1", "check-status");
        var file = (await house.Center.Commands.ExportReceiptAsync(command.Id, TestHouse.Operator)).Value.Json.ToArray();
        X509Certificate2[] roots = [X509CertificateLoader.LoadCertificate(house.Center.Authority.Root.RawData)];
        using var temp = new TempDirectory();
        var (before, after) = (temp.File("before.crl"), temp.File("after.crl"));
        await File.WriteAllBytesAsync(before, house.Center.Authority.IntermediateCrl);

        await Task.Delay(1100); // lists tell times in seconds
        (await house.Center.Certificates.RevokeAsync("thermostat-1", RevocationReason.KeyCompromise, TestHouse.Admin)).Refusal.ShouldBeNull();
        await File.WriteAllBytesAsync(after, house.Center.Authority.IntermediateCrl);

        ReceiptVerifier.Verify(file, roots).Valid.ShouldBeTrue();
        ReceiptRevocations.Find(file, roots, [before]).ShouldBeEmpty();
        var found = ReceiptRevocations.Find(file, roots, [before, after]).ShouldHaveSingleItem();
        (found.Part, found.Reason, found.IsLater).ShouldBe(("device", "key-compromise", true));
        found.At.ShouldBe(DateTimeOffset.UtcNow, TimeSpan.FromMinutes(1));

        // Exported anew, the same receipt stands under a checkpoint that is younger than the revocation.
        await Task.Delay(1100);
        await house.Center.Audit.CheckpointAsync();
        var anew = (await house.Center.Commands.ExportReceiptAsync(command.Id, TestHouse.Operator)).Value.Json.ToArray();
        ReceiptVerifier.Verify(anew, roots).Valid.ShouldBeTrue();
        ReceiptRevocations.Find(anew, roots, [after]).ShouldHaveSingleItem().IsLater.ShouldBeFalse();

        // Whoever may write into a folder cannot revoke anybody, and what cannot be read is not "nothing".
        using var foreign = new ForeignList();
        Should.Throw<PkiException>(() => ReceiptRevocations.Find(file, roots, [foreign.Path])).Message.ShouldContain("not signed by an authority trusted here");
        await File.WriteAllTextAsync(before, "");
        Should.Throw<PkiException>(() => ReceiptRevocations.Find(file, roots, [before])).Message.ShouldContain("no certificate revocation list");
    }

    /// <summary>A list of another house, with the same names.</summary>
    private sealed class ForeignList : IDisposable
    {
        private readonly TempDirectory _temp = new();
        private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();

        public ForeignList()
        {
            using var authority = CertificateAuthority.Create(_temp.File("pki"), new AuthorityOptions(), TimeProvider.System, _random);
            Path = _temp.File("foreign.crl");
            File.WriteAllBytes(Path, authority.IntermediateCrl);
        }

        public string Path { get; }

        public void Dispose()
        {
            _random.Dispose();
            _temp.Dispose();
        }
    }

    [Fact]
    public async Task A_command_without_a_receipt_has_nothing_to_export()
    {
        await using var house = await TestHouse.StartAsync();
        (await house.Center.Commands.ExportReceiptAsync("01ARZ3NDEKTSV4RRFFQ69G5FAV", TestHouse.Operator)).Refusal!.Name.ShouldBe("not-found");
    }
}
