using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace ChannelDistillation.Core;

/// <summary>Lists that are embedded in this assembly: the known datasets and teachers. Keys are snake_case, and none may be unknown or missing.</summary>
internal static class EmbeddedYaml
{
    /// <param name="name">Of the resource: `datasets.yaml`.</param>
    public static T[] Load<T>(string name)
    {
        using Stream stream = typeof(EmbeddedYaml).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return new DeserializerBuilder()
            .WithNamingConvention(UnderscoredNamingConvention.Instance)
            .WithEnumNamingConvention(UnderscoredNamingConvention.Instance)
            .WithEnforceRequiredMembers()
            .Build()
            .Deserialize<T[]>(reader);
    }
}
