using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary><c>signet receipt verify --crl</c>, from the command to the list, as people do it.</summary>
public sealed class ReceiptRevocationSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-receipt-").FullName;

    private string Data => Path.Combine(_folder, "data");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Who_was_revoked_after_the_checkpoint_is_told_beside_a_receipt_that_stays_valid()
    {
        var (receipt, list, root) = (Path.Combine(_folder, "receipt.json"), Path.Combine(_folder, "lists.pem"), Path.Combine(Data, "pki", "root.crt"));
        await using (await SignetProcess.UpAsync(Data, "--demo"))
        {
            var sent = await RunAsync("command", "send", "valve-1", "check-status", "--wait", "--json");
            sent.ExitCode.ShouldBe(0, sent.Error);
            (await RunAsync("receipt", "export", (string)sent.Json["id"]!, "--out", receipt)).ExitCode.ShouldBe(0);
            (await RunAsync("crl", "show", "--out", list)).ExitCode.ShouldBe(0);
            var before = await VerifyAsync("--crl", list);
            (before.ExitCode, (bool)before.Json["valid"]!, before.Json["revoked"]!.AsArray().Count).ShouldBe((0, true, 0));

            // Lists know whole seconds: the revocation must not fall into the checkpoint's.
            for (var second = DateTimeOffset.UtcNow.ToUnixTimeSeconds(); DateTimeOffset.UtcNow.ToUnixTimeSeconds() == second;) await Task.Delay(20);
            (await RunAsync("cert", "revoke", "valve-1", "--yes")).ExitCode.ShouldBe(0);
            (await RunAsync("crl", "show", "--out", list)).ExitCode.ShouldBe(0);
        }

        // The center is gone: all this is read from files.
        var told = await VerifyAsync("--crl", list);
        told.ExitCode.ShouldBe(0, told.Error);
        var one = told.Json["revoked"]!.AsArray().ShouldHaveSingleItem()!;
        ((bool)told.Json["valid"]!, (string)one["certificate"]!, (bool)one["afterCheckpoint"]!).ShouldBe((true, "device", true));
        (await RunAsync("receipt", "verify", receipt, "--trust", root, "--crl", list)).Output.ShouldContain("revoked: the certificate of the device");
        (await VerifyAsync()).Json["revoked"].ShouldBeNull("nobody gave a list");

        // What is no list of these roots says nothing, and that is said.
        File.WriteAllText(list, "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
        (await RunAsync("receipt", "verify", receipt, "--trust", root, "--crl", list)).ExitCode.ShouldBe(2);

        // A list saves no forged receipt.
        File.WriteAllText(receipt, File.ReadAllText(receipt).Replace("\"command\"", "\"commanf\"", StringComparison.Ordinal));
        (await RunAsync("receipt", "verify", receipt, "--trust", root, "--crl", list)).ExitCode.ShouldBe(4);

        Task<Outcome> VerifyAsync(params string[] lists) => RunAsync(["receipt", "verify", receipt, "--trust", root, "--json", .. lists]);
    }

    private Task<Outcome> RunAsync(params string[] arguments) => SignetProcess.RunAsync(Data, arguments);
}
