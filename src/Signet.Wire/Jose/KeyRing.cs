using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Signet.Wire;

/// <summary>The keys a receiver has pinned, by key id. Immutable: <see cref="With"/> and <see cref="Without"/> make a new ring, so a change is one reference swapped.</summary>
public sealed class KeyRing
{
    public static readonly KeyRing Empty = new(ImmutableDictionary.Create<string, PinnedKey>(StringComparer.Ordinal));

    private readonly ImmutableDictionary<string, PinnedKey> _keys;

    private KeyRing(ImmutableDictionary<string, PinnedKey> keys) => _keys = keys;

    public int Count => _keys.Count;
    public IEnumerable<PinnedKey> Keys => _keys.Values;

    /// <summary>A ring that holds this key too; a key with the same id is replaced.</summary>
    public KeyRing With(PinnedKey key) => new(_keys.SetItem(key.KeyId, key));

    /// <summary>A ring without that key id (which need not be there). The key itself is not disposed: others may still verify with it.</summary>
    public KeyRing Without(string keyId) => new(_keys.Remove(keyId));

    public bool TryFind(string keyId, [NotNullWhen(true)] out PinnedKey? key) => _keys.TryGetValue(keyId, out key);
}
