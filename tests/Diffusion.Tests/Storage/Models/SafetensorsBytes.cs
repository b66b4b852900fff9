using System.Buffers.Binary;
using System.Text;

namespace PromptToPrompt.Diffusion.Tests.Storage.Models;

/// <summary>Safetensors files put together by hand, to break them.</summary>
internal static class SafetensorsBytes
{
    public static byte[] Compose(string json, int dataLength) => Compose(Encoding.UTF8.GetBytes(json), new byte[dataLength]);

    public static byte[] Compose(byte[] json, byte[] data)
    {
        var prefix = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(prefix, json.Length);
        return [.. prefix, .. json, .. data];
    }
}
