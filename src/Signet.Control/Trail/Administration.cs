using Signet.Pki;
using Signet.Store;

namespace Signet.Control;

/// <summary>Changes to fleet, people and certificates, one at a time: what one of them checked still holds when it acts. A disk that takes nothing is a refusal, not an exception.</summary>
internal sealed class Administration : IDisposable
{
    private readonly Turns _turns = new();

    public async Task<Outcome<T>> ChangeAsync<T>(Func<Task<Outcome<T>>> change, CancellationToken cancellationToken)
        where T : class
    {
        using var turn = await _turns.TakeAsync(cancellationToken);
        try
        {
            return await change();
        }
        catch (Exception e) when (e is StoreException or PkiException or IOException or UnauthorizedAccessException)
        {
            return new Refusal(RefusalCode.StoreUnavailable, e.Message);
        }
    }

    public void Dispose() => _turns.Dispose();
}
