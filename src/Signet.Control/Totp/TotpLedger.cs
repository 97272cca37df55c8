namespace Signet.Control;

/// <summary>The accounts in memory, secrets still sealed. Safe for any number of threads.</summary>
internal sealed class TotpLedger(AccountSeal seal, VerifiedPasswords verified, IEnumerable<TotpRow> rows)
{
    private readonly Dictionary<string, TotpRow> _rows = rows.ToDictionary(r => r.Name, StringComparer.Ordinal);
    private readonly Lock _one = new();

    public int Count
    {
        get
        {
            lock (_one) return _rows.Count;
        }
    }

    public IReadOnlyList<TotpRow> All()
    {
        lock (_one) return [.. _rows.Values];
    }

    public TotpRow? Find(string name)
    {
        lock (_one) return _rows.GetValueOrDefault(name);
    }

    /// <summary>Adds or replaces it; a step that was accepted meanwhile stays accepted, and a remembered password is void.</summary>
    public void Put(TotpRow row)
    {
        lock (_one) _rows[row.Name] = row with { LastStep = Math.Max(row.LastStep, _rows.GetValueOrDefault(row.Name)?.LastStep ?? 0) };
        verified.Forget(row.Name);
    }

    public void Remove(string name)
    {
        lock (_one) _rows.Remove(name);
        verified.Forget(name);
    }

    /// <summary>Notes an accepted step. False: the account went, or the step or a later one was taken before.</summary>
    public bool TakeStep(string name, long step, DateTimeOffset at)
    {
        lock (_one)
        {
            if (!_rows.TryGetValue(name, out var row) || row.LastStep >= step) return false;
            _rows[name] = row with { LastStep = step, LastLogin = at };
            return true;
        }
    }

    public string Seal(string name, ReadOnlySpan<byte> secret) => seal.Seal(name, secret);

    /// <summary>Null when the row does not belong to this installation's key.</summary>
    public byte[]? SecretOf(TotpRow row) => seal.TryOpen(row.Name, row.SealedSecret);
}
