using System.Text;
using Signet.Proof;

namespace Signet.Audit;

/// <summary>
/// Facts about a person stay outside the hashed body. The body holds SHA-256("signet-audit-personal-v1\n" || salt || canonical JSON);
/// without the random salt, which is erased together with the facts, nobody can find them by guessing.
/// </summary>
internal static class PersonalData
{
    public const int SaltLength = 16;

    public static Digest Commit(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> data) => Digest.Sha256([.. Encoding.ASCII.GetBytes("signet-audit-personal-v1\n"), .. salt, .. data]);
}
