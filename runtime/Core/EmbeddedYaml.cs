using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace ChannelDistillation.Core;

/// <summary>Reads lists embedded in this assembly: the known datasets and teachers. Keys are snake_case; unknown and missing keys are errors.</summary>
internal static class EmbeddedYaml
{
    /// <param name="name">Name of the resource, such as `datasets.yaml`.</param>
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
