using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Pki;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>A fleet that is cut off: one device, a tenth, all. 1,000 devices with <c>SIGNET_FULL=1</c>, 60 otherwise. Times are printed, and asserted nowhere.</summary>
public sealed class MassRevocationSpecs(ITestOutputHelper output)
{
    private static readonly int Devices = Environment.GetEnvironmentVariable("SIGNET_FULL") == "1" ? 1000 : 60;

    [Fact]
    [Trait("row", "S0-5")]
    public async Task One_a_tenth_and_all_of_a_fleet_are_cut_off_and_nothing_they_send_is_taken_afterwards()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        var clients = new List<(string Name, X509Certificate2 Certificate, MqttClient Client)>();
        for (var i = 0; i < Devices; i++)
        {
            var name = $"lamp-{i}";
            using var issued = (await house.Center.Certificates.IssueAsync(new(CertificateProfile.Device, name), TestHouse.Admin)).Value;
            var own = TestCertificates.Portable(issued.Certificate);
            clients.Add((name, own, await house.ConnectAsync(own, name)));
        }

        using var place = new TempDirectory();
        foreach (var (name, certificate, _) in clients.Take(3)) await SaveTicketAsync(house, place, name, certificate);
        var tickets = Directory.GetFiles(place.Path, "*.ticket");
        output.WriteLine($"tickets that 3 clients could save before: {tickets.Length}");

        using var chatter = new CancellationTokenSource();
        var talking = clients.Select(c => ChatterAsync(c.Client, c.Name, chatter.Token)).ToList();
        await CutAsync(house, clients[..1]);
        await CutAsync(house, clients[1..(1 + (Devices / 10))]);
        await CutAsync(house, clients[(1 + (Devices / 10))..]);

        var taken = FromOthers(house);
        await Task.Delay(TimeSpan.FromMilliseconds(300));
        house.Center.Broker.Sessions().Where(s => s.Identity.StartsWith("lamp-", StringComparison.Ordinal)).ShouldBeEmpty();
        // The two counters are read one after the other; a fleet still heard would send hundreds in this time.
        (FromOthers(house) - taken).ShouldBeLessThan(5, "only the center's own line is left");
        tickets.ShouldBeEmpty("no listener gives out what could be resumed after a revocation");
        foreach (var (name, certificate, _) in clients.Take(3)) (await KnockAsync(house, place, name)).ShouldNotContain("CONNACK", Case.Sensitive, "nor without one");
        foreach (var (_, certificate, _) in clients.Take(5)) await Should.ThrowAsync<MqttException>(() => house.ConnectAsync(certificate));

        await chatter.CancelAsync();
        await Task.WhenAll(talking);
        foreach (var (_, certificate, client) in clients)
        {
            await client.DisposeAsync();
            certificate.Dispose();
        }

        await house.AssertAuditIntactAsync();
    }

    private static long FromOthers(TestHouse house)
        => house.Center.Broker.Totals().MessagesIn - house.Center.Broker.Sessions().Where(s => !s.Identity.StartsWith("lamp-", StringComparison.Ordinal)).Sum(s => s.MessagesIn);

    private async Task CutAsync(TestHouse house, List<(string Name, X509Certificate2 Certificate, MqttClient Client)> which)
    {
        var report = (await house.Center.Certificates.RevokeAsync(new RevocationTarget([.. which.Select(c => c.Name)]), RevocationReason.KeyCompromise, TestHouse.Admin)).Value;

        report.Closed.ShouldBe(which.Count);
        var verdict = EvidenceVerifier.Verify(Encoding.ASCII.GetBytes(report.Evidence), house.Center.Authority.Roots);
        verdict.Problem.ShouldBe("");
        var sessions = verdict.Parts.SelectMany(p => p.Sessions).ToList();
        sessions.Count.ShouldBe(which.Count);
        sessions.ShouldAllBe(s => s.Closed != null && (s.LastMessage == null || s.LastMessage <= s.Closed), "every end was seen, and no message was taken after it");
        await Eventually.True(() => which.TrueForAll(c => !c.Client.IsConnected), "every client has noticed");
        var times = sessions.Select(s => (s.Closed!.Value - verdict.Parts[0].Requested).TotalMilliseconds).Order().ToList();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{which.Count} of {Devices}: request to closed p50 {times[times.Count / 2]:0} ms, p99 {times[(int)((times.Count - 1) * 0.99)]:0} ms, last {times[^1]:0} ms; {verdict.Parts.Count} part(s) of evidence"));
    }

    // What somebody does who wants to come back without showing the certificate: openssl keeps every session the server offers.
    private static async Task SaveTicketAsync(TestHouse house, TempDirectory place, string name, X509Certificate2 certificate)
    {
        PemFile.Write(place.File(name + ".crt"), PemFile.Encode(certificate) + PemFile.Encode(house.Center.Authority.Intermediate));
        using (var key = KeyFile.PrivateKeyOf(certificate)) KeyFile.Save(place.File(name + ".key"), key);
        (await KnockAsync(house, place, name, "-sess_out", place.File(name + ".ticket"))).ShouldContain("CONNACK");
    }

    // An MQTT 3.1.1 CONNECT through openssl; the broker's answer, in words.
    private static async Task<string> KnockAsync(TestHouse house, TempDirectory place, string name, params string[] more)
    {
        string[] options = ["-connect", $"localhost:{house.Center.MqttEndPoint.Port}", "-CAfile", Path.Combine(house.Center.Installation.PkiDirectory, "root.crt"), "-cert", place.File(name + ".crt"), "-key", place.File(name + ".key"), .. more];
        // The pipe stays open until the answer has come: openssl ends with its input.
        var said = await BoundedProcess.RunAsync("sh", ["-c", """(printf '\020\021\000\004MQTT\004\002\000\012\000\005knock'; sleep 1) | openssl s_client -quiet "$@" 2>/dev/null | od -An -tx1 | tr -d ' \n'""", "sh", .. options]);
        return said.Output.Contains("20020000", StringComparison.Ordinal) ? "CONNACK" : said.Output;
    }

    private static async Task ChatterAsync(MqttClient client, string name, CancellationToken stop)
    {
        try
        {
            while (!stop.IsCancellationRequested && client.IsConnected)
            {
                await client.PublishAsync(new() { Topic = $"signet/{name}/telemetry/x", Payload = "x"u8.ToArray() }, stop);
                await Task.Delay(TimeSpan.FromSeconds(1), stop);
            }
        }
        catch (Exception e) when (e is MqttException or OperationCanceledException or ObjectDisposedException)
        {
            // That is how it ends.
        }
    }
}
