using System.Security.Cryptography;
using Signet.Pki;

namespace Signet.Lab;

/// <summary>The two key pairs of the paper's house: the actuator's RSA pair receives session keys, the sensor's DSA pair signs.</summary>
public sealed class PaperKeys : IDisposable
{
    /// <summary>File names under the key directory, as the paper's programs expect them.</summary>
    public const string ActuatorPrivate = "actuator_rsa_priv.pem", ActuatorPublic = "actuator_rsa_pub.pem", SensorPrivate = "sensor_dsa_priv.pem", SensorPublic = "sensor_dsa_pub.pem";

    private PaperKeys(RSA actuator, DSA sensor) => (Actuator, Sensor) = (actuator, sensor);

    public RSA Actuator { get; }
    public DSA Sensor { get; }

    /// <summary>New keys of 2048 bits. Takes about a second: DSA parameters are made, too.</summary>
    public static PaperKeys Generate() => new(RSA.Create(2048), NewDsa());

    /// <summary>Writes the four files; private ones with mode 0600, PKCS#8; public ones as SubjectPublicKeyInfo.</summary>
    public void Save(string directory)
    {
        Directory.CreateDirectory(directory);
        KeyFile.Save(Path.Combine(directory, ActuatorPrivate), Actuator);
        KeyFile.Save(Path.Combine(directory, SensorPrivate), Sensor);
        File.WriteAllText(Path.Combine(directory, ActuatorPublic), Actuator.ExportSubjectPublicKeyInfoPem() + "\n");
        File.WriteAllText(Path.Combine(directory, SensorPublic), Sensor.ExportSubjectPublicKeyInfoPem() + "\n");
    }

    /// <exception cref="LabException">Key files are missing; the message says how to make them.</exception>
    public static PaperKeys Load(string directory)
    {
        if (!File.Exists(Path.Combine(directory, ActuatorPrivate)) || !File.Exists(Path.Combine(directory, SensorPrivate)))
            throw new LabException($"ERROR: Key files not found! Expected keys in: {directory}. Make them with: signet lab keys --out {Path.GetDirectoryName(Path.GetFullPath(directory))}");
        var (rsa, dsa) = (RSA.Create(), DSA.Create());
        rsa.ImportFromPem(File.ReadAllText(Path.Combine(directory, ActuatorPrivate)));
        dsa.ImportFromPem(File.ReadAllText(Path.Combine(directory, SensorPrivate)));
        return new(rsa, dsa);
    }

    /// <summary>A DSA key of 2048 bits with a 256-bit subgroup.</summary>
    public static DSA NewDsa() => DSA.Create(2048);

    public void Dispose()
    {
        Actuator.Dispose();
        Sensor.Dispose();
    }
}
