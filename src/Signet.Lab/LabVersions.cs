using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Signet.Lab;

/// <summary>What the numbers of a run depend on besides the code.</summary>
internal static class LabVersions
{
    public static JsonObject ToJson() => new()
    {
        ["signet"] = typeof(LabVersions).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "",
        ["runtime"] = RuntimeInformation.FrameworkDescription,
        ["system"] = RuntimeInformation.OSDescription,
        ["architecture"] = RuntimeInformation.ProcessArchitecture.ToString(),
        ["processors"] = Environment.ProcessorCount,
        ["openssl"] = OpenSsl(),
        ["configuration"] = IsDebug() ? "debug" : "release",
    };

    private static string OpenSsl()
    {
        try
        {
            if (!OperatingSystem.IsLinux()) return "";
            var number = SafeEvpPKeyHandle.OpenSslVersion; // 0xMNN00PP0 since version 3 (OPENSSL_VERSION_NUMBER(3))
            return number >> 28 >= 3 ? $"{number >> 28}.{(number >> 20) & 0xff}.{(number >> 4) & 0xff}" : "0x" + number.ToString("x");
        }
        catch (PlatformNotSupportedException)
        {
            return "";
        }
    }

    private static bool IsDebug() => typeof(LabVersions).Assembly.GetCustomAttribute<System.Diagnostics.DebuggableAttribute>()?.IsJITOptimizerDisabled == true;
}
