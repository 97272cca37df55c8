using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Signet.Proof;

/// <summary>
/// The HMAC-SHA256 key of a log, which moves on at every checkpoint: next = HMAC(key, "signet-audit-next-key-v1").
/// Who takes the present key cannot compute an earlier one, so what was written before stays unforgeable. Bodies begin with '{' and our other messages with 's', so one key serves them all.
/// Not safe for several threads.
/// </summary>
public sealed class ForwardKey : IDisposable
{
    public const int Size = 32;
    private readonly byte[] _key = new byte[Size];
    private IncrementalHash? _hmac;
    private LibCrypto.Context? _fast;
    private bool _isDisposed;

    public ForwardKey(ReadOnlySpan<byte> key, long epoch)
    {
        if (key.Length != Size) throw new ArgumentException($"A log key has {Size} bytes, not {key.Length}.", nameof(key));
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        key.CopyTo(_key);
        Prepare();
        Epoch = epoch;
    }

    /// <summary>The key of the epoch that begins behind a checkpoint, from the first key. A checkpoint that nobody trusted signed moves nothing: its number could be anything.</summary>
    public static ForwardKey At(ReadOnlySpan<byte> firstKey, Checkpoint? checkpoint, IReadOnlyList<CheckpointKey> trust)
    {
        var key = new ForwardKey(firstKey, 0);
        if (checkpoint is null || checkpoint.Verify(trust) != CheckpointTrust.Good) return key;
        while (key.Epoch < checkpoint.Number) key.Advance();
        return key;
    }

    /// <summary>How often the key has moved on: the number of checkpoints before the entries it protects.</summary>
    public long Epoch { get; private set; }

    /// <summary>The HMAC of an entry's body.</summary>
    public Digest Mac(ReadOnlySpan<byte> body)
    {
        Digest mac = default;
        if (_fast is { } fast && body.Length <= LibCrypto.Longest && LibCrypto.TryMac(fast, body, mac)) return mac;
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        _hmac ??= IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key);
        _hmac.AppendData(body);
        _hmac.GetHashAndReset(mac);
        return mac;
    }

    /// <summary>The HMAC over the log's end: that it has this many entries and ends in this chain value.</summary>
    public Digest MacOfHead(long size, in Digest link)
    {
        var label = "signet-audit-head-v1"u8;
        Span<byte> message = stackalloc byte[label.Length + sizeof(long) + Digest.Size];
        label.CopyTo(message);
        BinaryPrimitives.WriteInt64BigEndian(message[label.Length..], size);
        link.CopyTo(message[(label.Length + sizeof(long))..]);
        return Mac(message);
    }

    /// <summary>Moves on. The key before is wiped from this object.</summary>
    public void Advance()
    {
        var next = Mac("signet-audit-next-key-v1"u8);
        next.CopyTo(_key);
        CryptographicOperations.ZeroMemory(next);
        Prepare();
        Epoch++;
    }

    /// <summary>A second object with the same key.</summary>
    public ForwardKey Copy() => new(_key, Epoch);

    /// <summary>Hands out the key's bytes for the file that keeps it; the caller wipes the copy.</summary>
    public void CopyTo(Span<byte> destination) => _key.CopyTo(destination);

    public void Dispose()
    {
        _isDisposed = true;
        CryptographicOperations.ZeroMemory(_key);
        _hmac?.Dispose();
        _fast?.Dispose();
    }

    private void Prepare()
    {
        _hmac?.Dispose();
        _hmac = null;   // made when it is needed: for long bodies, or where there is nothing faster
        _fast?.Dispose();
        _fast = LibCrypto.IsAvailable ? LibCrypto.Keyed(_key) : null;
    }
}
