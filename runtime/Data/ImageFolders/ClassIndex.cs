using System.Text;
using System.Text.Json;
using ChannelDistillation.Core;
using ChannelDistillation.Losses;

namespace ChannelDistillation.Data.ImageFolders;

/// <summary>
/// A file beside `train` and `val` that gives the order of the classes, for teachers trained with another order than the
/// sorted one. `classes.txt`: one folder name per line, in order; further words are ignored. `class_index.json` or
/// `imagenet_class_index.json`: `{"0": ["n01440764", "tench"], ...}` as in Keras and torchvision, or `{"n01440764": 0, ...}`.
/// </summary>
internal static class ClassIndex
{
    private static readonly string[] Names = ["classes.txt", "class_index.json", "imagenet_class_index.json"];

    /// <summary>The classes in the order of the file if there is one, otherwise sorted as given.</summary>
    /// <param name="sorted">Names of the class folders.</param>
    /// <exception cref="MissingException">The file has an unknown format, or lists other classes.</exception>
    public static IReadOnlyList<string> Order(string folder, IReadOnlyList<string> sorted)
    {
        if (Names.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists) is not { } file)
        {
            return sorted;
        }

        var order = file.EndsWith(".txt", StringComparison.Ordinal) ? FromLines(file, sorted) : FromJson(file);
        if (order.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new MissingException($"{file} lists the class {twice.Key} twice.");
        }

        Compare(file, order, sorted);
        return order;
    }

    private static void Compare(string file, string[] order, IReadOnlyList<string> sorted)
    {
        if (ClassNames.NearlySame(order, sorted) is var (name, folder, difference))
        {
            throw new MissingException(
                $"{file} lists the class `{name}`, but the folder is named `{folder}`: {difference}. Give both the same name."
            );
        }

        if (ClassNames.Without(sorted, order) is { } unnamed)
        {
            throw new MissingException($"{file} does not list {unnamed}, for which there is a folder. Complete or remove the file.");
        }

        if (ClassNames.Without(order, sorted) is { } absent)
        {
            throw new MissingException($"{file} lists {absent}, for which there is no folder. Add the folders, or correct or remove the file.");
        }
    }

    /// <summary>Each line is a folder name, or begins with one.</summary>
    private static string[] FromLines(string file, IReadOnlyList<string> sorted)
    {
        var folders = sorted.ToHashSet();
        return
        [
            .. Encoding
                .UTF8.GetString(Content(file))
                .TrimStart('\uFEFF')
                .Split('\n')
                .Select(line => line.Trim())
                .Where(line => line.Length > 0)
                .Select(line => folders.Contains(line) ? line : line.Split([' ', '\t', ','], 2)[0]),
        ];
    }

    private static byte[] Content(string file)
    {
        try
        {
            return InputFile.ReadAll(file, FileLimits.ListBytes);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MissingException($"{file} cannot be read: {InputFile.Reason(file, error)}.", error);
        }
    }

    private static string[] FromJson(string file)
    {
        try
        {
            using var json = JsonDocument.Parse(Content(file));
            var entries = json.RootElement.EnumerateObject().Select(Entry).OrderBy(entry => entry.Index).ToArray();
            if (!entries.Select(entry => entry.Index).SequenceEqual(Enumerable.Range(0, entries.Length)))
            {
                throw new MissingException($"{file} does not number its classes 0, 1, 2, ... without gaps.");
            }

            return [.. entries.Select(entry => entry.Name)];
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw new MissingException(
                $"{file} has an unknown format. It should look like {{\"0\": [\"n01440764\", \"tench\"], ...}} or {{\"n01440764\": 0, ...}}.",
                error
            );
        }
    }

    private static (int Index, string Name) Entry(JsonProperty property) =>
        property.Value.ValueKind switch
        {
            JsonValueKind.Number => (property.Value.GetInt32(), property.Name),
            JsonValueKind.Array => (int.Parse(property.Name), property.Value.EnumerateArray().First().GetString()!),
            _ => (int.Parse(property.Name), property.Value.GetString()!),
        };
}
