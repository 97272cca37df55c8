using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Signet.Control;

/// <summary>
/// The envelope of a backup (docs/spec/backup.md): a line of JSON that says how it is sealed, then records of at most 1 MiB, each under AES-256-GCM.
/// Nonce: 4 zero bytes and the record's number, 64 bits; the key is used for one file only. Additional data: the header line and one byte, 1 for the last record, so that records
/// cannot be moved, left out or cut off. Key: PBKDF2-HMAC-SHA-256 of the passphrase (RFC 8018), 600,000 rounds (OWASP 2023), 16 bytes of salt.
/// </summary>
internal static class SealedFile
{
    public const int Format = 1, Record = 1 << 20, Tag = 16;
    private const string Magic = "signet-backup";
    private const int Rounds = 600_000, MaximumRounds = 10_000_000, MaximumHeader = 1024;

    public static Stream Create(Stream file, string passphrase, RandomNumberGenerator random)
    {
        var salt = new byte[16];
        random.GetBytes(salt);
        var header = JsonSerializer.SerializeToUtf8Bytes(new Header(Magic, Format, "PBKDF2-HMAC-SHA256", Rounds, Convert.ToBase64String(salt), "AES-256-GCM"), Json);
        file.Write([.. header, (byte)'\n']);
        return new SealingStream(file, Key(passphrase, salt, Rounds), header);
    }

    /// <exception cref="ControlException">Not a backup, or of a newer version.</exception>
    public static Stream Open(Stream file, string passphrase)
    {
        var line = new List<byte>();
        for (int b; (b = file.ReadByte()) is not (-1 or '\n');)
            if (line.Count < MaximumHeader) line.Add((byte)b);
            else throw NotOurs();
        Header? header;
        try
        {
            header = JsonSerializer.Deserialize<Header>(line.ToArray(), Json);
        }
        catch (JsonException)
        {
            throw NotOurs();
        }
        if (header is not { Kind: Magic }) throw NotOurs();
        if (header.Format > Format) throw new ControlException($"this backup was made by a newer version (format {header.Format}, this program knows {Format}); restore it with that version");
        var salt = new byte[16];
        if (header.Format != Format || header.Rounds is < 1 or > MaximumRounds || !Convert.TryFromBase64String(header.Salt, salt, out var length) || length != salt.Length) throw NotOurs();
        return new OpeningStream(file, Key(passphrase, salt, header.Rounds), line.ToArray());
    }

    private static ControlException NotOurs() => new("this is not a Signet backup (its first line does not say so)");

    private static byte[] Key(string passphrase, byte[] salt, int rounds) => Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(passphrase.Normalize()), salt, rounds, HashAlgorithmName.SHA256, 32);

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private sealed record Header(string Kind, int Format, string Derivation, int Rounds, string Salt, string Cipher);

    private abstract class Sealing(Stream file, byte[] key, byte[] header) : Stream
    {
        private readonly AesGcm _cipher = new(key, Tag);
        private readonly byte[] _nonce = new byte[12];
        private readonly byte[] _context = [.. header, 0];
        private ulong _number;

        protected Stream File => file;
        protected byte[] Plain { get; } = new byte[Record];
        protected byte[] Sealed { get; } = new byte[Record + Tag];
        protected int Filled { get; set; }

        protected (AesGcm Cipher, byte[] Nonce, byte[] Context) Next(bool last)
        {
            BinaryPrimitives.WriteUInt64BigEndian(_nonce.AsSpan(4), _number++);
            _context[^1] = last ? (byte)1 : (byte)0;
            return (_cipher, _nonce, _context);
        }

        public override bool CanSeek => false;
        public override bool CanRead => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        protected override void Dispose(bool disposing)
        {
            if (disposing) _cipher.Dispose();
            CryptographicOperations.ZeroMemory(key);
            base.Dispose(disposing);
        }
    }

    private sealed class SealingStream(Stream file, byte[] key, byte[] header) : Sealing(file, key, header)
    {
        private bool _ended;

        public override bool CanWrite => true;

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            while (buffer.Length > 0)
            {
                if (Filled == Record) Put(last: false);
                var part = Math.Min(buffer.Length, Record - Filled);
                buffer[..part].CopyTo(Plain.AsSpan(Filled));
                Filled += part;
                buffer = buffer[part..];
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_ended)
            {
                _ended = true;
                Put(last: true);
            }
            base.Dispose(disposing);
        }

        private void Put(bool last)
        {
            var (cipher, nonce, context) = Next(last);
            cipher.Encrypt(nonce, Plain.AsSpan(0, Filled), Sealed.AsSpan(0, Filled), Sealed.AsSpan(Filled, Tag), context);
            File.Write(Sealed, 0, Filled + Tag);
            Filled = 0;
        }
    }

    private sealed class OpeningStream(Stream file, byte[] key, byte[] header) : Sealing(file, key, header)
    {
        private int _at;
        private bool _ended, _begun;

        public override bool CanRead => true;

        public override int Read(Span<byte> buffer)
        {
            if (_at == Filled && !Fill()) return 0;
            var part = Math.Min(buffer.Length, Filled - _at);
            Plain.AsSpan(_at, part).CopyTo(buffer);
            _at += part;
            return part;
        }

        private bool Fill()
        {
            if (_ended) return false;
            var got = File.ReadAtLeast(Sealed, Sealed.Length, throwOnEndOfStream: false);
            if (got < Tag) throw CutOff();
            // A full record may be the last one: only its tag tells.
            var (cipher, nonce, context) = Next(last: got < Sealed.Length);
            if (!TryOpen(cipher, nonce, context, got))
            {
                context[^1] ^= 1;
                if (got < Sealed.Length || !TryOpen(cipher, nonce, context, got))
                    throw _begun ? CutOff() : new ControlException("the passphrase is wrong, or the beginning of the backup is damaged");
                _ended = true;
            }
            _ended |= got < Sealed.Length;
            (_begun, _at, Filled) = (true, 0, got - Tag);
            return Filled > 0;
        }

        private bool TryOpen(AesGcm cipher, byte[] nonce, byte[] context, int got)
        {
            try
            {
                cipher.Decrypt(nonce, Sealed.AsSpan(0, got - Tag), Sealed.AsSpan(got - Tag, Tag), Plain.AsSpan(0, got - Tag), context);
                return true;
            }
            catch (AuthenticationTagMismatchException)
            {
                return false;
            }
        }

        private static ControlException CutOff() => new("the backup is cut off or damaged; nothing was restored. Copy the file again, or take an older one");
    }
}
