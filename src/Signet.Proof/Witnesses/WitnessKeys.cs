using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Signet.Proof;

/// <summary>
/// Public keys of witnesses, read once: a device that verifies the same thirty with every checkpoint would spend as much on reading them. One for the whole process, so that simulated devices share
/// them; bounded, and emptied when full. Safe for several threads.
/// </summary>
internal static class WitnessKeys
{
    /// <summary>Chosen: many times the listed witnesses (60); a key has some kilobytes.</summary>
    private const int Most = 512;

    private static readonly ConcurrentDictionary<Digest, ECDsa?> Known = new();

    /// <summary>False for a key that is not on P-256, and for any signature that is not the key's over <paramref name="data"/>. Never throws.</summary>
    /// <param name="subjectPublicKeyInfo">DER.</param>
    /// <param name="data">What was signed.</param>
    /// <param name="signature">r || s, 64 bytes.</param>
    public static bool Verify(byte[] subjectPublicKeyInfo, byte[] data, ReadOnlySpan<byte> signature)
    {
        if (Known.GetOrAdd(Digest.Sha256(subjectPublicKeyInfo), static (_, der) => Added(der), subjectPublicKeyInfo) is not { } key) return false;
        // The platform's keys are for one thread at a time.
        lock (key) return Verify(key, data, signature);
    }

    /// <summary>As <see cref="Verify(byte[], byte[], ReadOnlySpan{byte})"/>, for a key that is seldom needed: it is read and forgotten.</summary>
    public static bool VerifyOnce(byte[] subjectPublicKeyInfo, byte[] data, ReadOnlySpan<byte> signature)
    {
        using var key = Read(subjectPublicKeyInfo);
        return key is not null && Verify(key, data, signature);
    }

    private static bool Verify(ECDsa key, byte[] data, ReadOnlySpan<byte> signature)
    {
        try
        {
            return key.VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static ECDsa? Added(byte[] der)
    {
        if (Interlocked.Increment(ref _count) > Most)
        {
            Known.Clear();   // what is not used any more is finalised
            Volatile.Write(ref _count, 1);
        }
        return Read(der);
    }

    private static int _count;

    private static ECDsa? Read(byte[] der)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(der, out _);
            if (key.KeySize == 256) return key;
        }
        catch (Exception e) when (e is CryptographicException or PlatformNotSupportedException)
        {
            // No key, or on a curve that the platform does not have.
        }
        key.Dispose();
        return null;
    }
}
