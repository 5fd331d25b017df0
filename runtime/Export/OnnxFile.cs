using ChannelDistillation.Core;
using Google.Protobuf;
using Onnx;

namespace ChannelDistillation.Export;

/// <summary>Writes ONNX files.</summary>
internal static class OnnxFile
{
    /// <summary>The version of the file format that belongs to <see cref="OnnxGraph.OperatorSet"/>.</summary>
    private const int FormatVersion = 8;

    /// <summary>Writes the file atomically.</summary>
    /// <param name="check">Called with the complete file before it is moved into place; throws to reject it.</param>
    public static void Write(string path, GraphProto graph, IReadOnlyDictionary<string, string> metadata, Action<string>? check = null)
    {
        var model = new ModelProto
        {
            IrVersion = FormatVersion,
            ProducerName = "channel-distillation",
            ProducerVersion = Product.Version,
            Graph = graph,
        };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = OnnxGraph.OperatorSet });
        model.MetadataProps.AddRange(metadata.Select(entry => new StringStringEntryProto { Key = entry.Key, Value = entry.Value }));
        AtomicFile.Write(path, stream => model.WriteTo(stream), check: check);
    }
}
