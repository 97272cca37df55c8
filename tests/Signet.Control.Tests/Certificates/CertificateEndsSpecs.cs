using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Pki;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>Ends are told in time, once each, and not of what has a successor.</summary>
public sealed class CertificateEndsSpecs
{
    [Fact]
    [Trait("row", "S0-6")]
    public async Task Thirty_seven_and_one_days_before_its_end_a_certificate_is_on_the_record_once_each()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        using var directory = new TempDirectory();
        using var random = RandomNumberGenerator.Create();
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        using var authority = CertificateAuthority.Create(directory.File("pki"), new(), clock, random);
        var began = clock.GetUtcNow();
        authority.Issue(new(CertificateProfile.User, "ada")).Dispose();
        authority.Issue(new(CertificateProfile.User, "bob")).Dispose();
        authority.Issue(new(CertificateProfile.Device, "lamp-1")).Dispose();
        await using var trail = new AuditTrail(house.Center.Audit, clock, NullLogger.Instance, false);
        var ends = new CertificateEnds(authority, trail, new LiveFeed(clock), clock, NullLogger.Instance);

        var expected = new List<string>();
        foreach (var (day, told) in new (double, string[])[] { (0, []), (15, []), (21, ["lamp-1 30-days"]), (24, ["lamp-1 7-days"]), (29.5, ["lamp-1 1-days"]), (59.9, []), (61, ["ada 30-days", "bob 30-days"]), (62, []) }) await LookAsync(day, told);
        authority.Issue(new(CertificateProfile.User, "bob")).Dispose(); // has a successor from now on
        foreach (var (day, told) in new (double, string[])[] { (83.5, ["ada 7-days"]), (84, []), (89.5, ["ada 1-days"]), (91, []) }) await LookAsync(day, told);
        await Task.Delay(TimeSpan.FromMilliseconds(200));
        (await ToldAsync()).ShouldBe(expected, ignoreOrder: true);

        async Task LookAsync(double day, string[] told)
        {
            clock.SetWallClock(began.AddDays(day));
            authority.RenewCrls();
            ends.Look();
            expected.AddRange(told);
            await Eventually.Some(async () => (await ToldAsync()).Count >= expected.Count ? "" : null, $"day {day}: {string.Join(", ", told)}");
            (await ToldAsync()).ShouldBe(expected, ignoreOrder: true, $"day {day}");
        }

        async Task<List<string>> ToldAsync() => [.. (await house.Center.Audit.QueryAsync(new() { Action = "certificate-ending" })).Entries.Where(e => e.Subject is "ada" or "bob" or "lamp-1").Select(e => $"{e.Subject} {e.Reason}")];
    }

    [Fact]
    public async Task A_list_that_nobody_renews_is_told_of_and_locks_nobody_out()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        using var directory = new TempDirectory();
        using var random = RandomNumberGenerator.Create();
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        using var authority = CertificateAuthority.Create(directory.File("pki"), new(), clock, random);
        using var lamp = authority.Issue(new(CertificateProfile.Device, "lamp-1"));
        await using var trail = new AuditTrail(house.Center.Audit, clock, NullLogger.Instance, false);
        var ends = new CertificateEnds(authority, trail, new LiveFeed(clock), clock, NullLogger.Instance);

        clock.SetWallClock(clock.GetUtcNow().AddDays(6.5));
        ends.Look();
        (await house.AuditedAsync(new() { Action = "certificate-ending" })).Subject.ShouldContain("revocation list of Signet Intermediate CA");
        clock.SetWallClock(clock.GetUtcNow().AddDays(3));
        authority.ListsInForce().First(l => !l.Authority.IsRoot).List.NextUpdate.ShouldBeLessThan(clock.GetUtcNow(), "the list has expired");
        authority.Judge.Judge(lamp.Certificate, null, CertificatePurpose.TlsClient).Accepted.ShouldBeTrue("no handshake reads a list");
        authority.Revoke(lamp.Serial, RevocationReason.KeyCompromise);
        authority.Judge.Judge(lamp.Certificate, null, CertificatePurpose.TlsClient).Refusal.ShouldBe(CertificateRefusal.Revoked, "and a revocation counts all the same");
    }
}
