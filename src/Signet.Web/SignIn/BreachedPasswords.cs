using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Signet.Web.SignIn;

/// <summary>
/// Passwords that stood in breaches, from a list on this machine (<c>people:breachedPasswords</c>): SHA-1 in hexadecimal, one a line and in order, with or without <c>:COUNT</c> behind it, the form in which
/// such lists are given out. It is searched by halves on the disk (some 35 reads for a billion lines), and nobody is asked over the network. SHA-1 is the lists' choice; nothing is kept safe by it.
/// Safe for any number of threads.
/// </summary>
public sealed class BreachedPasswords : IDisposable
{
    private const int Hexadecimal = 2 * SHA1.HashSizeInBytes;

    /// <summary>Bytes of a line at most: the hash, a colon, a count, a line end. Chosen: twice what lists have.</summary>
    private const int LongestLine = 128;

    /// <summary>Lines that are compared with each other when it is opened: a list in another order would find nothing and say nothing.</summary>
    private const int Samples = 64;

    private static readonly SearchValues<byte> Digits = SearchValues.Create("0123456789ABCDEFabcdef"u8);

    private readonly SafeFileHandle? _file;
    private readonly long _length;

    private BreachedPasswords(SafeFileHandle? file) => (_file, _length) = (file, file is null ? 0 : RandomAccess.GetLength(file));

    /// <summary>Knows no password.</summary>
    public static BreachedPasswords None { get; } = new(null);

    /// <param name="path">Null or empty: there is no list.</param>
    /// <exception cref="WebConsoleException">It cannot be read, or is no such list.</exception>
    public static BreachedPasswords Open(string? path)
    {
        if (string.IsNullOrEmpty(path)) return None;
        BreachedPasswords? list = null;
        try
        {
            list = new(File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
            list.Check();
            return list;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            list?.Dispose();
            throw new WebConsoleException($"people:breachedPasswords: the list cannot be read: {e.Message}", e);
        }
        catch (InvalidDataException e)
        {
            list?.Dispose();
            throw new WebConsoleException($"people:breachedPasswords: {path} is no list of passwords from breaches: {e.Message} (wanted: SHA-1 in hexadecimal, one a line, in order)", e);
        }
    }

    /// <summary>Why a password will not do, for the person who chose it; null when no list knows it.</summary>
    public string? Fault(string password)
    {
        try
        {
            return Holds(password) ? "This password stood in a breach of some service: guessers have the list. Choose another." : null;
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            // Nobody is let off the check because its list is damaged.
            return "The list of passwords from breaches cannot be read now. Tell an administrator.";
        }
    }

    public void Dispose() => _file?.Dispose();

    /// <exception cref="InvalidDataException">The list is damaged.</exception>
    private bool Holds(string password)
    {
        if (_file is null) return false;
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
#pragma warning disable CA5350 // a name in somebody else's list, see above
        SHA1.HashData(Encoding.UTF8.GetBytes(password), hash);
#pragma warning restore CA5350
        var wanted = Convert.ToHexString(hash);
        var (low, high) = (0L, _length);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (LineFrom(middle) is not var (start, line) || start >= high)
            {
                high = middle;
                continue;
            }

            var order = string.CompareOrdinal(line, wanted);
            if (order == 0) return true;
            if (order > 0) high = middle;
            else low = start + 1;
        }

        return false;
    }

    /// <summary>The hash, in upper case, of the first line that begins at or behind a place. Null: none does.</summary>
    private (long Start, string Hash)? LineFrom(long place)
    {
        Span<byte> bytes = stackalloc byte[2 * LongestLine];
        // One byte before, for a line that begins exactly there.
        var from = Math.Max(0, place - 1);
        var read = bytes[..RandomAccess.Read(_file!, bytes, from)];
        var skipped = 0;
        if (place > 0)
        {
            var end = read.IndexOf((byte)'\n');
            if (end < 0 && from + read.Length < _length) throw new InvalidDataException($"the line at byte {from} is longer than any");
            if (end < 0) return null;
            skipped = end + 1;
        }

        var line = read[skipped..];
        if (line.Length == 0) return null;
        if (line.Length < Hexadecimal || (line.Length > Hexadecimal && line[Hexadecimal] is not ((byte)':' or (byte)'\r' or (byte)'\n')) || line[..Hexadecimal].ContainsAnyExcept(Digits))
            throw new InvalidDataException($"the line at byte {from + skipped} does not begin with a hash");
        return (from + skipped, Encoding.ASCII.GetString(line[..Hexadecimal]).ToUpperInvariant());
    }

    private void Check()
    {
        if (_length == 0) throw new InvalidDataException("it is empty");
        var (before, at) = ("", -1L);
        for (var sample = 0; sample < Samples; sample++)
        {
            if (LineFrom(_length * sample / Samples) is not var (start, hash)) break;
            if (start > at && string.CompareOrdinal(hash, before) < 0) throw new InvalidDataException($"the line at byte {start} stands out of order");
            (before, at) = (hash, start);
        }
    }
}
