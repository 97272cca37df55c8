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
            return OperatingSystem.IsLinux() ? "0x" + SafeEvpPKeyHandle.OpenSslVersion.ToString("x") : "";
        }
        catch (PlatformNotSupportedException)
        {
            return "";
        }
    }

    private static bool IsDebug() => typeof(LabVersions).Assembly.GetCustomAttribute<System.Diagnostics.DebuggableAttribute>()?.IsJITOptimizerDisabled == true;
}
