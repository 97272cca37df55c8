using System.Security.Cryptography;

namespace Signet.Bench;

/// <summary>The four signature operations of a command and its receipt, by the platform alone: the center signs and the device verifies, the device signs (ES256) and the center verifies.</summary>
internal sealed class Signatures(bool rsa) : IDisposable
{
    private readonly byte[] _data = RandomNumberGenerator.GetBytes(560);
    private readonly RSA? _rsa = rsa ? RSA.Create(2048) : null; // as the center makes it
    private readonly ECDsa _center = ECDsa.Create(ECCurve.NamedCurves.nistP256), _device = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private byte[] _command = [], _receipt = [];

    public void SignCommand() => _command = _rsa?.SignData(_data, HashAlgorithmName.SHA256, RSASignaturePadding.Pss) ?? _center.SignData(_data, HashAlgorithmName.SHA256);

    public void VerifyCommandAndSignReceipt()
    {
        True(_rsa?.VerifyData(_data, _command, HashAlgorithmName.SHA256, RSASignaturePadding.Pss) ?? _center.VerifyData(_data, _command, HashAlgorithmName.SHA256));
        _receipt = _device.SignData(_data, HashAlgorithmName.SHA256);
    }

    public void VerifyReceipt() => True(_device.VerifyData(_data, _receipt, HashAlgorithmName.SHA256));

    public Task AllAsync()
    {
        SignCommand();
        VerifyCommandAndSignReceipt();
        VerifyReceipt();
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        _rsa?.Dispose();
        _center.Dispose();
        _device.Dispose();
    }

    private static void True(bool fits)
    {
        if (!fits) throw new InvalidOperationException("it does not verify");
    }
}
