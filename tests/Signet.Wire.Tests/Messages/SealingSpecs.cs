using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Signet.Wire.Tests;

public sealed class SealingSpecs : IDisposable
{
    private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
    private readonly X509Certificate2 _certificate = TestKeys.MakeEcdsa("thermostat-1");
    private readonly SealingRecipient _to;
    private readonly SealingKey _key;
    private readonly byte[] _signed = CommandMessage.Sign(TestKeys.Command, TestKeys.CenterShared);

    public SealingSpecs()
    {
        _to = SealingRecipient.FromCertificate(_certificate, "thermostat-1");
        _key = SealingKey.EcdhEs(_certificate.GetECDiffieHellmanPrivateKey()!, _to.KeyId);
    }

    // RFC 7518 appendix C: Alice's ephemeral key, Bob's key, apu "Alice", apv "Bob", A128GCM. Ours derives 256 bits, so the shared secret and the layout are held against an independent computation.
    [Fact]
    public void The_key_derivation_has_the_layout_of_the_standard()
    {
        var secret = Convert.FromHexString("9e56d91d817135d372834283bf84269cfb316ea3da806a48f6daa7798cfe90c4");
        var expected = SHA256.HashData([0, 0, 0, 1, .. secret, 0, 0, 0, 7, .. "A256GCM"u8, 0, 0, 0, 5, .. "Alice"u8, 0, 0, 0, 3, .. "Bob"u8, 0, 0, 1, 0]);
        var key = new byte[ConcatKdf.KeyBytes];
        ConcatKdf.Derive(secret, "A256GCM", "Alice"u8, "Bob"u8, key);
        key.ShouldBe(expected);
    }

    [Fact]
    public void What_is_sealed_opens_for_its_receiver_only_and_no_two_envelopes_are_alike()
    {
        var (first, second) = (Seal(), Seal());
        first.ShouldNotBe(second);
        Encoding.ASCII.GetString(first).ShouldNotContain(Encoding.ASCII.GetString(_signed)[..40]);
        Open(first, _key).ShouldBe(_signed);
        using var other = TestKeys.MakeEcdsa("thermostat-1");
        using var otherKey = SealingKey.EcdhEs(other.GetECDiffieHellmanPrivateKey()!, _to.KeyId);
        SealedMessage.TryOpen(first, otherKey, TestKeys.AtDevice, out _, out var rejection).ShouldBeFalse();
        rejection.Reason.ShouldBe(RejectReason.CannotDecrypt);
    }

    [Fact]
    public void Flipping_any_bit_is_refused()
    {
        var message = Seal();
        var reasons = new HashSet<RejectReason>();
        for (var bit = 0; bit < message.Length * 8; bit++)
        {
            var copy = message.ToArray();
            copy[bit / 8] ^= (byte)(1 << (bit % 8));
            SealedMessage.TryOpen(copy, _key, TestKeys.AtDevice, out _, out var rejection).ShouldBeFalse($"bit {bit}");
            reasons.Add(rejection.Reason);
        }
        reasons.ShouldContain(RejectReason.CannotDecrypt);
        reasons.ShouldBeSubsetOf([RejectReason.Malformed, RejectReason.UnknownKey, RejectReason.AlgorithmNotAllowed, RejectReason.WrongAudience, RejectReason.WrongTopic, RejectReason.CannotDecrypt]);
    }

    [Fact]
    public void Signed_and_sealed_messages_are_told_apart()
    {
        SealedMessage.IsSealed(Seal()).ShouldBeTrue();
        SealedMessage.IsSealed(_signed).ShouldBeFalse();
    }

    [Fact]
    public void Keys_nothing_can_be_sealed_to_are_refused()
    {
        using var p384 = TestKeys.MakeEcdsa("x", ECCurve.NamedCurves.nistP384);
        Should.Throw<ArgumentException>(() => SealingRecipient.FromCertificate(p384, "thermostat-1"));
        Should.Throw<ArgumentException>(() => SealingKey.EcdhEs(ECDiffieHellman.Create(ECCurve.NamedCurves.nistP384), "k"));
        Should.Throw<ArgumentException>(() => SealedMessage.Seal(new byte[50_000], _to, TestKeys.AtDevice.Topic, _random)).Message.ShouldContain("65536");
    }

    public void Dispose()
    {
        _to.Dispose();
        _key.Dispose();
        _certificate.Dispose();
        _random.Dispose();
    }

    private byte[] Seal() => SealedMessage.Seal(_signed, _to, TestKeys.AtDevice.Topic, _random);

    private static byte[] Open(byte[] message, SealingKey key)
    {
        SealedMessage.TryOpen(message, key, TestKeys.AtDevice, out var signed, out var rejection).ShouldBeTrue(rejection.ToString());
        return signed!;
    }
}
