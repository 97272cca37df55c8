using Microsoft.Extensions.Logging;
using Signet.Audit;
using Signet.Pki;

namespace Signet.Control;

/// <summary>
/// Tells, 30, 7 and 1 days before, that a certificate without a successor ends, and a revocation list that is not renewed: on the record, in the log and in the live feed, once each.
/// A certificate that lives shortly is not told of before two thirds of its life, when it should have been renewed.
/// </summary>
internal sealed class CertificateEnds(CertificateAuthority authority, AuditTrail trail, LiveFeed feed, TimeProvider time, ILogger logger)
{
    private readonly Dictionary<string, int> _told = new(StringComparer.Ordinal);

    public void Look()
    {
        var now = time.GetUtcNow();
        foreach (var entry in authority.Expiring(TimeSpan.FromDays(ControlLimits.EndDays[0])).Where(e => now < e.NotAfter && Lifetimes.IsDue(e.NotBefore, e.NotAfter, now)))
            Tell(entry.Serial, entry.Name, Words.Of(entry.Profile), entry.NotAfter, now);
        // Lists are renewed at half their life: one in its last tenth says that its key is away.
        foreach (var one in authority.ListsInForce().Where(l => now > l.List.NextUpdate - ((l.List.NextUpdate - l.List.ThisUpdate) / 10)))
            Tell($"crl {one.Authority.FileName} {one.List.Number}", $"revocation list of {one.Authority.Name}", "crl", one.List.NextUpdate, now);
    }

    private void Tell(string key, string name, string profile, DateTimeOffset ends, DateTimeOffset now)
    {
        var days = ControlLimits.EndDays.Where(d => ends - now <= TimeSpan.FromDays(d)).DefaultIfEmpty(0).Min();
        if (days == 0 || (_told.TryGetValue(key, out var before) && before <= days)) return;
        _told[key] = days;
        Log.Ending(logger, name, profile, ends, days);
        trail.Note(AuditTrail.Of(AuditTypes.Certificate, Actor.Center, name, "certificate-ending", "warning", $"{days}-days", new()
        {
            ["profile"] = profile, ["ends"] = ends.ToUnixTimeSeconds(), ["serial"] = key,
        }));
        feed.Publish(FeedKind.Device, "certificate-ending", name, new() { ["ends"] = ends.ToUnixTimeMilliseconds(), ["days"] = days });
    }
}
