using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Agent;
using Signet.Mqtt;
using Signet.Pki;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>A fleet that nobody switched on for 90 days, while the root was rotated three times.</summary>
public sealed class LongAbsenceSpecs
{
    private const int Devices = 12;

    [Fact]
    [Trait("row", "S0-6")]
    public async Task After_ninety_days_and_three_rotations_every_device_recovers_and_can_publish_nowhere_before()
    {
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        var began = clock.GetUtcNow();
        await using var house = await TestHouse.StartAsync(new() { Web = true, Demo = false, Time = clock });
        using var place = new TempDirectory();
        var homes = new List<(string Name, string Home)>();
        for (var i = 0; i < Devices; i++)
        {
            var name = $"lamp-{i}";
            (await house.Center.Fleet.AddAsync(new(name, "thermostat"), TestHouse.Admin)).Refusal.ShouldBeNull();
            // On a machine of its own: nothing that the center does meanwhile reaches it.
            Directory.Move(house.Center.Installation.DeviceDirectory(name), place.File(name));
            homes.Add((name, place.File(name)));
        }

        foreach (var day in new[] { 25, 50, 75 })
        {
            clock.SetWallClock(began.AddDays(day));
            (await house.Center.Authorities.RotateAsync(root: true, TestHouse.Admin)).Refusal.ShouldBeNull();
        }

        clock.SetWallClock(began.AddDays(90));
        house.Center.Authority.Roots.Count.ShouldBe(4);
        foreach (var (name, home) in homes)
        {
            using var expired = Own(name, home);
            (await Should.ThrowAsync<MqttException>(() => house.ConnectAsync(expired, name))).ShouldNotBeNull("MQTT never takes an expired one");
            foreach (var (method, path) in new[] { ("GET", "/mqtt"), ("GET", "/api/v1/enrolments/home"), ("POST", "/.well-known/est/simpleenroll"), ("POST", "/api/v1/commands") })
                (await AskAsync(house, expired, method, path)).ShouldBe(HttpStatusCode.Forbidden, $"{method} {path}");

            (await new DeviceRenewal(home, clock, RandomNumberGenerator.Create(), NullLogger.Instance).RenewAsync(CancellationToken.None)).ShouldBeNull(name);

            using var fresh = Own(name, home);
            PemFile.Read(Path.Combine(home, "root.crt")).Count.ShouldBe(4);
            await using var client = await house.ConnectAsync(fresh, name);
            (await client.PublishAsync(new() { Topic = $"signet/{name}/telemetry/x", Payload = "1"u8.ToArray(), QoS = QoS.AtLeastOnce })).IsAccepted.ShouldBeTrue();
        }

        house.Center.Broker.Totals().MessagesIn.ShouldBeGreaterThanOrEqualTo(Devices);
        await house.AssertAuditIntactAsync();
    }

    private static System.Security.Cryptography.X509Certificates.X509Certificate2 Own(string name, string home)
    {
        using var read = PemFile.ReadWithKey(Path.Combine(home, name + ".crt"), Path.Combine(home, name + ".key"));
        return TestCertificates.Portable(read);
    }

    private static async Task<HttpStatusCode> AskAsync(TestHouse house, System.Security.Cryptography.X509Certificates.X509Certificate2 own, string method, string path)
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = new()
            {
                ClientCertificateContext = System.Net.Security.SslStreamCertificateContext.Create(own, [], offline: true),
                RemoteCertificateValidationCallback = (_, server, _, _) => house.Center.Judge.Judge(server as System.Security.Cryptography.X509Certificates.X509Certificate2, null, CertificatePurpose.TlsServer).Accepted,
            },
        }) { BaseAddress = house.Web!.ConsoleUrl };
        using var request = new HttpRequestMessage(new(method), path);
        using var response = await http.SendAsync(request);
        return response.StatusCode;
    }
}
