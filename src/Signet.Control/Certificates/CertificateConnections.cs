using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Control;

/// <summary>Connections besides the broker's that were opened with a client certificate (console, API, live feeds), so that a revocation ends them too.</summary>
public sealed class CertificateConnections
{
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<Open, byte> _open = new();

    internal CertificateConnections(TimeProvider time) => _time = time;

    /// <summary>How many are open.</summary>
    public int Count => _open.Count;

    /// <param name="certificate">As judged at the handshake.</param>
    /// <param name="listener">For the evidence.</param>
    /// <param name="abort">Ends the connection at once; must not block.</param>
    /// <returns>Dispose it when the connection has ended.</returns>
    public IDisposable Add(X509Certificate2 certificate, string listener, Action abort)
    {
        var open = new Open(this, certificate, CertificateFacts.Serial(certificate), listener, abort);
        _open[open] = 0;
        return open;
    }

    internal async Task<IReadOnlyList<CutSession>> CutAsync(Predicate<X509Certificate2> which, CancellationToken cancellationToken)
    {
        var hit = _open.Keys.Where(o => which(o.Certificate)).ToList();
        foreach (var open in hit) open.Abort();
        await Task.WhenAny(Task.WhenAll(hit.Select(o => o.Ended.Task)), Task.Delay(ControlLimits.CutSeen, _time, cancellationToken));
        return [.. hit.Select(o => new CutSession(o.Serial, "", o.Listener, o.Ended.Task.IsCompletedSuccessfully ? o.Ended.Task.Result : null, null, 0))];
    }

    private sealed class Open(CertificateConnections owner, X509Certificate2 certificate, string serial, string listener, Action abort) : IDisposable
    {
        public X509Certificate2 Certificate => certificate;
        public string Serial => serial;
        public string Listener => listener;
        public TaskCompletionSource<DateTimeOffset> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Abort() => abort();

        public void Dispose()
        {
            owner._open.TryRemove(this, out _);
            Ended.TrySetResult(owner._time.GetUtcNow());
        }
    }
}
