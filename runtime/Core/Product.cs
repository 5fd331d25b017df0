using System.Reflection;

namespace ChannelDistillation.Core;

/// <summary>This program, as records name it.</summary>
public static class Product
{
    /// <summary>`0.1.0+COMMIT`.</summary>
    public static string Version { get; } =
        typeof(Product).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
}
