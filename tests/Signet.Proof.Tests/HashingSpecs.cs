using System.Security.Cryptography;

namespace Signet.Proof.Tests;

/// <summary>The short way to the system's OpenSSL gives what the platform's classes give: at every length, in every thread, after every change of key.</summary>
public class HashingSpecs
{
    private static readonly int[] Lengths = [.. Enumerable.Range(0, 300), 2_047, 2_048, 2_049, 5_000, 70_000];

    [Fact]
    public void On_linux_with_openssl_3_the_short_way_is_taken() => LibCrypto.IsAvailable.ShouldBe(OperatingSystem.IsLinux() && SafeEvpPKeyHandle.OpenSslVersion >> 28 == 3);

    [Fact]
    [Trait("row", "S0-9")]
    public void Hashes_of_every_length_are_the_platforms()
    {
        foreach (var length in Lengths)
        {
            var data = RandomNumberGenerator.GetBytes(length);
            Digest.Sha256(data).ToArray().ShouldBe(SHA256.HashData(data), $"{length} bytes");
        }
    }

    [Fact]
    [Trait("row", "S0-9")]
    public void Hmacs_of_every_length_are_the_platforms_and_follow_the_key()
    {
        var key = RandomNumberGenerator.GetBytes(ForwardKey.Size);
        using var forward = new ForwardKey(key, 0);
        for (var epoch = 0; epoch < 3; epoch++)
        {
            foreach (var length in Lengths)
            {
                var data = RandomNumberGenerator.GetBytes(length);
                forward.Mac(data).ToArray().ShouldBe(HMACSHA256.HashData(key, data), $"{length} bytes, epoch {epoch}");
            }
            forward.Advance();
            key = HMACSHA256.HashData(key, "signet-audit-next-key-v1"u8);
        }
        var copy = forward.Copy();
        forward.Dispose();
        copy.Mac(key).ToArray().ShouldBe(HMACSHA256.HashData(key, key));
        copy.Dispose();
        Should.Throw<ObjectDisposedException>(() => copy.Mac(key));
        Should.Throw<ObjectDisposedException>(() => copy.Mac(new byte[5_000]));
    }

    [Fact]
    public async Task Every_thread_has_its_own()
    {
        // More threads than processors, beginning and ending while others hash: each has a context of its own, freed when the thread is gone.
        var samples = Enumerable.Range(0, 64).Select(i => RandomNumberGenerator.GetBytes(10 * i)).Select(data => (Data: data, Hash: SHA256.HashData(data))).ToList();
        var wrong = 0;
        for (var round = 0; round < 4; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    for (var i = 0; i < 500; i++)
                        foreach (var (data, hash) in samples)
                            if (!Digest.Sha256(data).Equals(hash))
                                Interlocked.Increment(ref wrong);
                }, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        wrong.ShouldBe(0);
    }

    [Theory]
    [InlineData(1, 1, "intact: 1 entry, 1 signed checkpoint")]
    [InlineData(2, 3, "intact: 2 entries, 3 signed checkpoints")]
    [InlineData(0, 0, "intact: 0 entries, 0 signed checkpoints")]
    public void A_verdict_counts_in_words(long entries, long checkpoints, string words) => new AuditVerdict(null, entries, checkpoints, null, []).Summary.ShouldBe(words);
}
