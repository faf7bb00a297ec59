"""The package for colcon (ament_python) and for pip. The tools under training/ are run from the checkout."""

from glob import glob

from setuptools import find_packages, setup

NAME = "dense_face_ros"

setup(
    name=NAME,
    version="0.1.0",
    description="Driver head tracking from one camera by dense facial correspondences (ROS 2)",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: ["models/*.npz", "models/*.onnx", "attention/*.yaml"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/launch", glob("launch/*.launch.py")),
        (f"share/{NAME}/config", glob("config/*")),
    ],
    install_requires=["numpy>=1.26", "scipy>=1.11", "onnxruntime>=1.17", "PyYAML>=6"],
    extras_require={
        # A ROS installation brings its own OpenCV; pip's would hide it.
        "opencv": ["opencv-python-headless>=4.6"],
        "evaluation": ["rosbags>=0.11.9", "matplotlib", "pyarrow"],
        "tensorrt": ["tensorrt>=10.3", "cuda-bindings>=12.9.1"],
        "test": ["pytest>=7", "hypothesis>=6", "onnx>=1.16"],
        "training": [
            "torch>=2.4",
            "lightning>=2.4",
            "numba>=0.60",
            "h5py>=3",
            "onnx>=1.16",
            "onnxscript",
            "OpenEXR>=3.2",
            "matplotlib",
            "tensorboard",
            "tqdm",
        ],
    },
    entry_points={
        "console_scripts": [
            f"tracker = {NAME}.ros.executables:tracker",
            f"image_source = {NAME}.ros.executables:image_source",
            f"attention = {NAME}.ros.executables:attention",
            f"build_engine = {NAME}.backends.build_engine:main",
            f"evaluate_bag = {NAME}.evaluation.evaluate_bag:main",
        ]
    },
    zip_safe=False,
)
